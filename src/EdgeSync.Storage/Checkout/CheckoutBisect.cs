using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Storage.Checkout;

/// <summary>One verdict of a bisect, in the order of the verdicts.</summary>
/// <param name="Verdict">GOOD, BAD, SKIP or CURRENT.</param>
public sealed record BisectStep(int Number, string Verdict, RecordId Rid, string Hash, string Date, bool IsCurrent);

/// <summary>A check-in between the innermost good and bad one.</summary>
/// <param name="Marks">Of GOOD, BAD, CURRENT and NEXT.</param>
/// <param name="Omitted">Check-ins that are left out before it.</param>
public sealed record BisectLine(string Hash, string Date, IReadOnlyList<string> Marks, int Omitted);

/// <summary>
/// The search for the check-in that broke something, in stock's variables of the checkout:
/// <c>bisect-log</c> holds the verdicts, record numbers with a minus for a bad one and an <c>s</c> for a skipped one.
/// Spec: bisect.c.
/// </summary>
public sealed class CheckoutBisect(WorkingCheckout checkout)
{
    private const string GoodName = "bisect-good";
    private const string BadName = "bisect-bad";
    private const string LogName = "bisect-log";
    private const string CompleteName = "bisect-complete";

    /// <summary>Names, defaults and meanings of the options.</summary>
    public static IReadOnlyList<(string Name, string Default, string Description)> Options { get; } =
    [
        ("auto-next", "on",
            "Automatically run \"bisect next\" after each \"bisect good\", \"bisect bad\", or \"bisect skip\""),
        ("direct-only", "on", "Follow only primary parent-child links, not merges "),
        ("display", "chart", "Command to run after \"next\". \"chart\", \"log\", \"status\", or \"none\""),
        ("linear", "off", "Do a linear scan rather than a true bisect, stopping at the first \"bad\" result"),
    ];

    private CheckoutTables Tables => checkout.Tables;

    private Repository Repository => checkout.Repository;

    public RecordId Good => NumberOf(GoodName);

    public RecordId Bad => NumberOf(BadName);

    /// <summary>The check-in was found.</summary>
    public bool IsComplete => !NumberOf(CompleteName).IsNone;

    /// <summary>Both ends are known.</summary>
    public bool IsBounded => !Good.IsNone && !Bad.IsNone;

    /// <summary>An option as it is set, or its default.</summary>
    public string this[string option]
    {
        get => Tables["bisect-" + option] ?? Options.First(o => o.Name == option).Default;
        set => Tables["bisect-" + option] = value;
    }

    /// <summary>A switch; what is neither yes nor no counts as its default.</summary>
    public bool IsOn(string option)
    {
        var text = this[option];
        return Settings.IsTrue(text)
            || (!Settings.IsFalse(text) && Settings.IsTrue(Options.First(o => o.Name == option).Default));
    }

    public void MarkGood(RecordId rid) => Mark(GoodName, rid, rid.ToString());

    public void MarkBad(RecordId rid) => Mark(BadName, rid, "-" + rid);

    /// <summary>The check-in cannot be judged. Counts once a verdict was given.</summary>
    public void Skip(RecordId rid)
    {
        if (Tables[LogName] is { } log) Tables[LogName] = $"{log} s{rid}";
    }

    /// <summary>Takes the last verdict back.</summary>
    /// <exception cref="EdgeSyncException">There is none.</exception>
    public void Undo()
    {
        var words = Words();
        if (words.Length == 0)
            throw new EdgeSyncException(
                ErrorKind.NotFound, "no previous bisect steps to undo", "edgesync bisect --help");

        using var transaction = Tables.Database.Begin();
        var (good, bad) = ("0", "0");
        foreach (var word in words[..^1])
        {
            if (word[0] == '-') bad = word[1..];
            else if (word[0] != 's') good = word;
        }

        Tables[LogName] = string.Join(' ', words[..^1]);
        (Tables[GoodName], Tables[BadName], Tables[CompleteName]) = (good, bad, null);
        transaction.Commit();
    }

    /// <summary>Removes the search; options stay, but for <c>linear</c>.</summary>
    public void Reset() => Tables.Database.Execute(
        """
        DELETE FROM vvar WHERE name IN
          ('bisect-good', 'bisect-bad', 'bisect-log', 'bisect-complete', 'bisect-linear')
        """);

    public void Complete() => Tables[CompleteName] = "1";

    /// <summary>From the good end to the bad one, or the one that is known.</summary>
    /// <exception cref="EdgeSyncException">None is known, or nothing joins them.</exception>
    public CheckinPath Path()
    {
        var (good, bad) = (Good, Bad);
        if (good.IsNone && bad.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound, "neither \"good\" nor \"bad\" versions have been identified",
                "edgesync bisect good VERSION");

        if (good.IsNone) good = bad;
        if (bad.IsNone) bad = good;
        var skipped = Words().Where(w => w[0] == 's').Select(w => RidOf(w[1..])).ToHashSet();
        return CheckinPath.Shortest(Repository, good, bad, IsOn("direct-only"), skipped)
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound,
                $"no path from good ([{NameOf(good)}]) to bad ([{NameOf(bad)}]) or back",
                "edgesync bisect options direct-only off");
    }

    /// <summary>The check-in to try next; none when the search is over.</summary>
    public RecordId NextOf(CheckinPath path)
    {
        if (!IsOn("linear")) return path.Midpoint;

        return path.Next == checkout.Version ? RecordId.None : path.Next;
    }

    /// <summary>The verdicts, and where the checkout is.</summary>
    /// <param name="byCheckinTime">The newest check-in first; else in the order of the verdicts.</param>
    public List<BisectStep> Steps(bool byCheckinTime)
    {
        var seen = new HashSet<RecordId>();
        var steps = new List<(BisectStep Step, double Time)>();
        var count = 0;
        foreach (var word in Words())
        {
            count++;
            var verdict = word[0] switch { 's' => "SKIP", '-' => "BAD", _ => "GOOD" };
            Take(count, verdict, RidOf(word.TrimStart('s', '-')));
        }

        if (!checkout.Version.IsNone) Take(count + 1, "CURRENT", checkout.Version);

        // Stock orders by the record number where times are equal.
        return [
            .. (byCheckinTime ? steps.OrderByDescending(s => s.Time).ThenBy(s => s.Step.Rid.Value)
                : steps.OrderBy(s => s.Step.Rid.Value)).Select(s => s.Step),
        ];

        void Take(int number, string verdict, RecordId rid)
        {
            if (!seen.Add(rid)) return;

            using var select = Repository.Database.Prepare(
                """
                SELECT uuid, datetime(event.mtime), event.mtime FROM blob JOIN event ON objid=rid
                 WHERE rid=?1 AND event.type='ci'
                """);
            if (!select.Bind(1, rid).Step()) return;

            steps.Add((
                new BisectStep(
                    number, verdict, rid, select.Text(0)!, select.Text(1) ?? "", rid == checkout.Version),
                select.Double(2)));
        }
    }

    /// <summary>The check-ins between the ends, the bad end first.</summary>
    /// <param name="isWhole">Else those that matter alone.</param>
    public List<BisectLine> Lines(bool isWhole)
    {
        var path = Path();
        RecordId[] nodes = [.. path.Nodes.Reverse()];
        var half = path.Steps > 1 ? path.Steps / 2 : -1;
        var isShown = Shown(nodes, half, isWhole);
        var lines = new List<BisectLine>();
        var omitted = 0;
        for (var i = 0; i < nodes.Length; i++)
        {
            // A single check-in that is left out takes as much room as the line about it.
            if (!isShown[i] && (omitted > 0 || (i + 1 < nodes.Length && !isShown[i + 1])))
            {
                omitted++;
                continue;
            }

            lines.Add(LineOf(nodes[i], i == half, omitted));
            omitted = 0;
        }

        return lines;
    }

    private bool[] Shown(RecordId[] nodes, int half, bool isWhole)
    {
        var isShown = new bool[nodes.Length];
        for (var i = 0; i < nodes.Length; i++)
        {
            var matters = isWhole || nodes[i] == Good || nodes[i] == Bad || nodes[i] == checkout.Version || i == half;
            if (!matters) continue;

            isShown[i] = true;
            if (i + 1 < nodes.Length) isShown[i + 1] = true;
        }

        // And its other neighbour.
        for (var i = 0; i + 1 < nodes.Length; i++)
            if (isShown[i + 1]) isShown[i] = true;
        return isShown;
    }

    private BisectLine LineOf(RecordId rid, bool isNext, int omitted)
    {
        using var select = Repository.Database.Prepare(
            """
            SELECT uuid, coalesce(datetime(event.mtime),'') FROM blob JOIN event ON objid=rid
             WHERE rid=?1 AND event.type='ci'
            """);
        var isThere = select.Bind(1, rid).Step();
        var marks = new List<string>();
        if (rid == Good) marks.Add("GOOD");
        if (rid == Bad) marks.Add("BAD");
        if (rid == checkout.Version) marks.Add("CURRENT");
        if (isNext) marks.Add("NEXT");
        return new BisectLine(
            isThere ? select.Text(0)! : NameOf(rid), isThere ? select.Text(1)! : "", marks, omitted);
    }

    private void Mark(string name, RecordId rid, string word)
    {
        if (NumberOf(name) == rid) return;

        using var transaction = Tables.Database.Begin();
        Tables[name] = rid.ToString();
        Tables[LogName] = Tables[LogName] is { Length: > 0 } log ? $"{log} {word}" : word;
        transaction.Commit();
    }

    private string[] Words() =>
        (Tables[LogName] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private RecordId NumberOf(string name) => RidOf(Tables[name]);

    private static RecordId RidOf(string? text) =>
        new(long.TryParse(text, CultureInfo.InvariantCulture, out var rid) ? rid : 0);

    private string NameOf(RecordId rid) => Repository.Content.NameOf(rid).ToShortString();
}
