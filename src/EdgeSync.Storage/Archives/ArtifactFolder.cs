using System.Text;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink.Rebuild;

namespace EdgeSync.Storage.Archives;

/// <summary>What of a repository goes into a folder, and comes back.</summary>
public sealed record ArtifactFolderOptions
{
    public const int PrefixLengthDefault = 2;

    /// <summary>Digits of the hash that name the folder of a file, 0 to 9.</summary>
    public int PrefixLength { get; init; } = PrefixLengthDefault;

    /// <summary>Private artifacts too.</summary>
    public bool HasPrivate { get; init; }

    /// <summary>Writes, or reads, the list of private artifacts in <c>.private</c>.</summary>
    public bool KeepsPrivate { get; init; }

    /// <summary>Writes, or reads, the name of the first artifact in <c>.rid1</c>.</summary>
    public bool KeepsFirst { get; init; }
}

/// <summary>
/// A folder with one file for each artifact, named by its hash (<c>AA/BBBB…</c>), which stock writes and reads too.
/// </summary>
// Spec: deconstruct_cmd and reconstruct_cmd in rebuild.c.
public static class ArtifactFolder
{
    private const string FirstName = ".rid1", PrivateName = ".private";

    /// <summary>Writes all artifacts but the shunned ones; answers how many.</summary>
    /// <exception cref="EdgeSyncException">The folder is not there, or an artifact is damaged.</exception>
    public static int Write(Repository repository, string folder, ArtifactFolderOptions options)
    {
        if (!Directory.Exists(folder))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{folder} is not a directory",
                "name a folder that exists");

        var count = 0;
        using var select = repository.Database.Prepare(
            """
            SELECT rid FROM blob
             WHERE size>=0 AND NOT EXISTS(SELECT 1 FROM shun WHERE uuid=blob.uuid)
               AND (?1 OR rid NOT IN (SELECT rid FROM private))
            """);
        select.Bind(1, options.HasPrivate || options.KeepsPrivate ? 1 : 0);
        while (select.Step())
        {
            var rid = select.Record(0);
            var hash = repository.Content.NameOf(rid).ToString();
            var name = options.PrefixLength == 0 ? hash
                : Path.Combine(hash[..options.PrefixLength], hash[options.PrefixLength..]);
            var path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (var content = repository.Content.Get(rid)) WriteFile(path, content.Span);
            if (rid.Value == 1 && options.KeepsFirst)
                WriteFile(
                    Path.Combine(folder, FirstName),
                    Encoding.UTF8.GetBytes($"# The file holding the artifact with RID=1\n{name}\n"));
            count++;
        }

        if (options.KeepsPrivate) WriteFile(Path.Combine(folder, PrivateName), ListOfPrivate(repository));
        return count;
    }

    /// <summary>Stores what is in a folder, and derives all tables; answers how many artifacts there are.</summary>
    /// <param name="repository">A new one.</param>
    /// <param name="folder">Files whose names begin with a dot are left out.</param>
    /// <param name="options">What to read beside them.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static int Read(
        Repository repository, string folder, ArtifactFolderOptions options, CancellationToken cancellationToken)
    {
        using (var transaction = repository.Begin())
        {
            foreach (var path in FilesOf(folder, options.KeepsFirst))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Store(repository, folder, path);
            }

            // The rebuild derives all rows in stock's order.
            repository.Content.NewlyAvailable.Clear();
            transaction.Commit();
        }

        Rebuilder.Run(repository, new RebuildOptions(), cancellationToken);
        if (options.KeepsPrivate) MarkPrivate(repository, Path.Combine(folder, PrivateName));
        return (int)repository.Database.QueryInt64("SELECT count(*) FROM blob WHERE size>=0");
    }

    private static IEnumerable<string> FilesOf(string folder, bool keepsFirst)
    {
        var first = keepsFirst ? LinesOf(Path.Combine(folder, FirstName)).FirstOrDefault() : null;
        var firstPath = first is null ? null : Path.Combine(folder, first);
        if (firstPath is not null) yield return firstPath;

        var waiting = new Stack<string>([folder]);
        while (waiting.TryPop(out var at))
        {
            foreach (var path in Directory.EnumerateFileSystemEntries(at).Order(StringComparer.Ordinal))
            {
                if (Path.GetFileName(path).StartsWith('.') || path == firstPath) continue;
                if (Directory.Exists(path)) waiting.Push(path);
                else yield return path;
            }
        }
    }

    // The length of the name says which hash named the artifact; what has no such name gets one.
    private static void Store(Repository repository, string folder, string path)
    {
        var name = Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar.ToString(), "", default);
        var text = ReadFile(path);
        if (ArtifactId.TryParse(Encoding.UTF8.GetBytes(name), out var asked)
            && ArtifactHash.Compute(asked.Kind, text) == asked)
        {
            var outcome = repository.Content.PutText(asked, text, isPrivate: false, out _);
            Invariant.Require(outcome is PutOutcome.Stored or PutOutcome.AlreadyHeld or PutOutcome.Shunned);
            return;
        }

        repository.Content.Put(text);
    }

    private static void MarkPrivate(Repository repository, string path)
    {
        using var transaction = repository.Begin();
        foreach (var line in LinesOf(path))
        {
            if (ArtifactId.TryParse(Encoding.UTF8.GetBytes(line.ToLowerInvariant()), out var id)
                && repository.Content.Find(id) is { IsNone: false } rid)
                repository.Content.SetPrivate(rid, isPrivate: true);
        }

        transaction.Commit();
    }

    private static byte[] ListOfPrivate(Repository repository)
    {
        var text = new StringBuilder("# The hashes of private artifacts\n");
        using var select = repository.Database.Prepare(
            "SELECT uuid FROM blob WHERE rid IN (SELECT rid FROM private)");
        while (select.Step()) text.Append(select.Text(0)).Append('\n');
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static IEnumerable<string> LinesOf(string path) => !File.Exists(path) ? []
        : File.ReadLines(path).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#');

    private static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(ErrorKind.System, $"{path} cannot be read: {e.Message}", "check it", e);
        }
    }

    private static void WriteFile(string path, ReadOnlySpan<byte> content)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.Write(content);
    }
}
