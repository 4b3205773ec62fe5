using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>A file whose merge has to be decided, with the versions that it is decided from.</summary>
/// <param name="Name">Of the file.</param>
/// <param name="Kind">marked, binary, fork, link or removed.</param>
/// <param name="Base">The content of the common ancestor.</param>
/// <param name="Remote">The content that was merged in.</param>
/// <param name="Local">What was here; null when it was removed.</param>
public sealed record RecordedConflict(
    string Name, string Kind, MergeStrategy Strategy, ArtifactId Base, ArtifactId Remote, byte[]? Local)
{
    /// <summary>The check-in that was checked out when the merge had ended.</summary>
    internal string Checkout { get; init; } = "";

    public FilePermission LocalPermission { get; init; }

    public FilePermission RemotePermission { get; init; }
}

/// <summary>
/// What merges left to be decided. Each file is a variable of the checkout, which stock leaves alone:
/// <code>
/// edgesync-conflict:NAME   kind strategy checkout base remote local-size|- permissions  LF  local content
/// edgesync-decided:NAME    the same, decided by the command that can be undone
/// edgesync-decision        that command
/// </code>
/// An entry counts as long as the merge that made it is in the tables: undone or committed by either program, it is
/// forgotten. A decided one counts again when either program has undone the command for that file.
/// </summary>
public sealed class ConflictLog(WorkingCheckout checkout)
{
    private const string Prefix = "edgesync-conflict:";
    private const string DecidedPrefix = "edgesync-decided:";
    private const string Decision = "edgesync-decision";

    // Of the rows of decided files: those that undo has put back.
    private const string IsUndone =
        """
        name GLOB 'edgesync-decided:*' AND substr(name,18) IN (SELECT pathname FROM undo WHERE redoflag)
          AND (SELECT value FROM vvar WHERE name='edgesync-decision')
             =(SELECT value FROM vvar WHERE name='undo_cmdline')
        """;

    private CheckoutTables Tables => checkout.Tables;

    /// <summary>Those that count, by name.</summary>
    public List<RecordedConflict> List()
    {
        var entries = All();
        if (entries.Count == 0) return entries;

        var merged = Tables.Merges().Where(m => m.Kind > 0).ToLookup(m => m.Kind, m => m.Hash);
        var files = Tables.Files(checkout.Version).ToDictionary(f => f.Name, StringComparer.Ordinal);
        var now = checkout.Version.IsNone ? "" : checkout.Repository.Content.NameOf(checkout.Version).ToString();
        entries.RemoveAll(e => e.Checkout != now || !files.TryGetValue(e.Name, out var file) || !IsMergeOf(file, e));
        return entries;

        // A merge leaves a row of its own, an update the content itself.
        bool IsMergeOf(TrackedFile file, RecordedConflict entry) => merged[file.Id].Contains(entry.Remote.ToString())
            || (!file.Content.IsNone && checkout.Repository.Content.NameOf(file.Content) == entry.Remote);
    }

    /// <summary>Notes a conflict. Inside the transaction that notes the merge.</summary>
    internal void Add(string name, FileMergeResult result, RecordId version = default)
    {
        var content = checkout.Repository.Content;
        var local = result.Local;
        var size = local is null ? "-" : local.Length.ToString(CultureInfo.InvariantCulture);
        var head = string.Join(
            ' ', result.Kind.ToString().ToLowerInvariant(), MergeStrategies.WordOf(result.Strategy),
            content.NameOf(version.IsNone ? checkout.Version : version), content.NameOf(result.Ancestor),
            content.NameOf(result.Other), size,
            $"{Letter(result.LocalPermission)}{Letter(result.OtherPermission)}");
        using var replace = Tables.Database.Prepare("REPLACE INTO vvar(name,value) VALUES(?1,?2)");
        replace.BindText(1, NameOf(Prefix, name))
            .BindBlob(2, [.. Encoding.ASCII.GetBytes(head), (byte)'\n', .. local ?? []]).Run();
    }

    /// <summary>Everything is decided. Inside the transaction of a commit.</summary>
    internal static void Clear(CheckoutTables tables) =>
        tables.Database.Execute("DELETE FROM vvar WHERE name GLOB 'edgesync-conflict:*'");

    /// <summary>
    /// What was decided can be undone no longer, and what was undone stays so. Inside the transaction that drops the
    /// undo log.
    /// </summary>
    internal static void Settle(CheckoutTables tables)
    {
        if (tables[Decision] is null) return;

        if (tables.Database.HasTable("undo"))
            tables.Database.Execute(
                $"UPDATE OR REPLACE vvar SET name='{Prefix}'||substr(name,18) WHERE {IsUndone}");
        tables.Database.Execute("DELETE FROM vvar WHERE name GLOB 'edgesync-decided:*'");
        tables[Decision] = null;
    }

    /// <summary>A file is decided for good.</summary>
    public void Remove(string name)
    {
        using var delete = Tables.Database.Prepare("DELETE FROM vvar WHERE name IN (?1,?2)");
        delete.BindText(1, NameOf(Prefix, name)).BindText(2, NameOf(DecidedPrefix, name)).Run();
    }

    /// <summary>A file is decided by a command that can be undone. Inside the transaction that notes it.</summary>
    /// <param name="name">Of the file.</param>
    /// <param name="commandLine">That of the undo log, which it has begun.</param>
    internal void Decide(string name, string commandLine)
    {
        using var update = Tables.Database.Prepare("UPDATE OR REPLACE vvar SET name=?2 WHERE name=?1");
        update.BindText(1, NameOf(Prefix, name)).BindText(2, NameOf(DecidedPrefix, name)).Run();
        Tables[Decision] = commandLine;
    }

    /// <summary>Removes what no longer counts.</summary>
    public void Prune()
    {
        var valid = List().Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var entry in All())
            if (!valid.Contains(entry.Name)) Remove(entry.Name);
    }

    private List<RecordedConflict> All()
    {
        var undone = Tables[Decision] is not null && Tables.Database.HasTable("undo")
            ? $" UNION ALL SELECT substr(name,18), CAST(value AS BLOB) FROM vvar WHERE {IsUndone}" : "";
        var entries = new List<RecordedConflict>();
        using var select = Tables.Database.PrepareOnce(
            "SELECT substr(name,19), CAST(value AS BLOB) FROM vvar WHERE name GLOB 'edgesync-conflict:*'"
                + $"{undone} ORDER BY 1");
        while (select.Step())
            if (Read(PathText.Of(select.Bytes(0)), select.Bytes(1)) is { } entry) entries.Add(entry);
        return entries;
    }

    private static byte[] NameOf(string prefix, string name) =>
        [.. Encoding.ASCII.GetBytes(prefix), .. PathText.ToBytes(name)];

    private static RecordedConflict? Read(string name, ReadOnlySpan<byte> value)
    {
        var end = value.IndexOf((byte)'\n');
        if (end < 0) return null;

        var words = Encoding.ASCII.GetString(value[..end]).Split(' ');
        if (words is not [_, _, _, _, _, _, { Length: 2 }] || !ArtifactId.TryParse(words[3], out var ancestor)
            || !ArtifactId.TryParse(words[4], out var remote)) return null;

        return new RecordedConflict(
            name, words[0], MergeStrategies.Parse(words[1]), ancestor, remote,
            words[5] == "-" ? null : value[(end + 1)..].ToArray())
        {
            Checkout = words[2],
            LocalPermission = PermissionOf(words[6][0]),
            RemotePermission = PermissionOf(words[6][1]),
        };
    }

    private static char Letter(FilePermission permission) => permission switch
    {
        FilePermission.Executable => 'x',
        FilePermission.Symlink => 'l',
        _ => '-',
    };

    private static FilePermission PermissionOf(char letter) => letter switch
    {
        'x' => FilePermission.Executable,
        'l' => FilePermission.Symlink,
        _ => FilePermission.Regular,
    };
}
