using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Support;

/// <summary>What nearly every interop test stands on: a folder, the stock program and ours.</summary>
internal sealed class Workbench : IDisposable
{
    public Workbench(string purpose)
    {
        StockFossil.SkipWhenMissing();
        Folder = new TemporaryFolder(purpose);
        Stock = new StockFossil(Folder);
        Ours = new EdgeSyncProgram(Folder);
    }

    public TemporaryFolder Folder { get; }

    public StockFossil Stock { get; }

    public EdgeSyncProgram Ours { get; }

    public string this[string name] => Folder[name];

    /// <summary>A repository made by stock, whose user <c>tester</c> has the password <c>secret</c>.</summary>
    public string NewRepository(string name, params ReadOnlySpan<string> options)
    {
        Stock.Run(
            [
                "init", "--admin-user", GeneratedHistory.Login, "--date-override", "2024-01-01", .. options,
                Folder[name]]);
        Stock.Run("user", "password", GeneratedHistory.Login, GeneratedHistory.Password, "-R", Folder[name]);

        // Setup may everything but private artifacts (x) and writing unversioned files (y).
        Stock.Run("user", "capabilities", GeneratedHistory.Login, "sxy", "-R", Folder[name]);
        return Folder[name];
    }

    /// <summary>An open checkout made by stock.</summary>
    public StockCheckout Open(string repository, string folderName, string? version = null)
    {
        var where = Folder.Folder(folderName);
        // Links are off by default, and before the files are written; autosync would talk to a server too early.
        Stock.Run("settings", "allow-symlinks", "on", "--global");
        Stock.RunIn(where, ["open", repository, "--nosync", .. version is null ? Array.Empty<string>() : [version]]);
        Stock.RunIn(where, "settings", "autosync", "off");
        Stock.RunIn(where, "settings", "allow-symlinks", "on");
        return new StockCheckout(Stock, where);
    }

    /// <summary>
    /// Both programs agree that the file is whole, and what it derives from its artifacts is what stock derives from
    /// them when it starts anew.
    /// </summary>
    public void MustBeSound(string repository, params ReadOnlySpan<string> ignoring)
    {
        Stock.MustBeIntact(repository);

        // Where the order of arrival left its mark, our verification reports it, and rebuild helps.
        if (ignoring.IsEmpty) Ours.MustBeIntact(repository);
        var rebuilt = Folder[$"rebuilt-{Guid.NewGuid():N}.fossil"];
        File.Copy(repository, rebuilt);
        Stock.Run("rebuild", rebuilt);
        RepositoryComparer.MustBeEqual(repository, rebuilt, [.. ignoring, "unclustered"]);
        if (!ignoring.IsEmpty)
        {
            Ours.Run("repo", "rebuild", "-R", repository);
            Ours.MustBeIntact(repository);
            // Which of two edits of a comment gave a link its time depends on the order of siblings in stock's walk.
            RepositoryComparer.MustBeEqual(repository, rebuilt, "backlink");
        }

        File.Delete(rebuilt);
    }

    public void Dispose() => Folder.Dispose();
}

/// <summary>A stock checkout: files by hand, commits by stock.</summary>
internal sealed class StockCheckout(StockFossil fossil, string folder)
{
    private static readonly string[] Options = ["--no-warnings", "--allow-older", "--nosign"];

    private static long s_writes;

    public string Folder => folder;

    public string this[string name] => Path.Combine(folder, name);

    public StockCheckout Write(string name, string content) => Write(name, System.Text.Encoding.UTF8.GetBytes(content));

    public StockCheckout Write(string name, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);

        // Stock takes a file of the same size and second for unchanged: no two writes fall into the same second.
        File.SetLastWriteTimeUtc(
            this[name], DateTime.UnixEpoch.AddSeconds(1_600_000_000 + Interlocked.Increment(ref s_writes)));
        return this;
    }

    /// <summary>Again while a server of ours has just written, as a person would.</summary>
    public ProgramResult Run(params ReadOnlySpan<string> arguments) => fossil.RunInShared(folder, arguments);

    public ProgramResult Try(params ReadOnlySpan<string> arguments) => fossil.TryIn(folder, arguments);

    /// <summary>Adds new files, removes missing ones, and commits.</summary>
    public StockCheckout Commit(string comment, params ReadOnlySpan<string> options)
    {
        Run("addremove", "--dotfiles");
        Run(["commit", "-m", comment, .. Options, .. options]);
        return this;
    }
}
