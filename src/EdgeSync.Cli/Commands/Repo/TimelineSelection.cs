using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>What a timeline shows, by the words that stock has for it.</summary>
// Spec: timeline_cmd in timeline.c.
internal static class TimelineSelection
{
    public const string Before = "before", After = "after", Descendants = "descendants", Ancestors = "ancestors";

    private static readonly string[] Words = [Before, After, Descendants, "children", Ancestors, "parents"];

    /// <summary>The word that this is, or alone begins; empty: none.</summary>
    public static string WordOf(string text) => Words.FirstOrDefault(
        w => text.Length > 0 && w.StartsWith(text, StringComparison.Ordinal) && (w[0] != 'a' || text.Length > 1)) ?? "";

    /// <summary>Bounds a query by a check-in or a time.</summary>
    /// <param name="word">One of the words, or empty: not newer than it.</param>
    /// <param name="origin">A check-in, <c>current</c>, a date, or <c>now</c>.</param>
    /// <exception cref="EdgeSyncException">There is no such check-in; or a date has no relatives.</exception>
    public static DetailedQuery Of(Repository repository, DetailedQuery query, string word, string origin)
    {
        var isGraph = word is Descendants or "children" or Ancestors or "parents";
        if (origin == "now")
        {
            // Stock compares with a text here, which is greater than every number.
            return isGraph ? throw OfDate() : word == After ? query with { From = double.MaxValue } : query;
        }

        if (!IsCurrent(origin) && DetailedTimeline.DayOf(repository, origin, word.Length == 0) is { } day)
            return isGraph ? throw OfDate() : Bounded(query, word, day);

        var rid = IsCurrent(origin) ? CheckoutOf(repository) : repository.Names.Resolve(origin);
        using var select = repository.Database.Prepare("SELECT mtime FROM event WHERE objid=?1");
        if (!select.Bind(1, rid).Step()) return Bounded(query, word, word == After ? double.MaxValue : -1);

        query = Bounded(query, word is Descendants or "children" ? After : word, select.Double(0));
        return word switch
        {
            Descendants or "children" => query with { DescendantsOf = rid },
            Ancestors or "parents" => query with { AncestorsOf = rid },
            _ => query,
        };
    }

    /// <summary>The branch of the checkout.</summary>
    /// <exception cref="EdgeSyncException">There is none.</exception>
    public static string BranchHere(Repository repository)
    {
        if (repository.Names.Checkout.IsNone)
            throw new EdgeSyncException(ErrorKind.Usage, "not within an open check-out");

        return Branches.Of(repository, repository.Names.Checkout) ?? "trunk";
    }

    private static DetailedQuery Bounded(DetailedQuery query, string word, double day) =>
        word == After ? query with { From = day } : query with { Until = day };

    private static bool IsCurrent(string word) => "current".StartsWith(word, StringComparison.Ordinal);

    private static RecordId CheckoutOf(Repository repository) => repository.Names.Checkout is { IsNone: false } rid
        ? rid
        : throw new EdgeSyncException(ErrorKind.Usage, "must be within a local check-out to use 'current'");

    private static EdgeSyncException OfDate() =>
        new(ErrorKind.Usage, "cannot compute descendants or ancestors of a date");
}
