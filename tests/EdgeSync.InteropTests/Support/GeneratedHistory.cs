using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Support;

/// <summary>
/// Repositories made by <c>scripts/make-history.py</c> with stock, each once in a test run and on first use. They are
/// shared: tests copy them.
/// </summary>
public sealed class GeneratedHistory : IDisposable
{
    /// <summary>The user of all of them, with every capability.</summary>
    public const string Login = "tester";

    public const string Password = "secret";

    private readonly TemporaryFolder _folder = new("history");
    private readonly Dictionary<string, Lazy<string>> _made = [];

    public GeneratedHistory()
    {
        Declare("history", "--checkins", Environment.GetEnvironmentVariable("EDGESYNC_HISTORY_CHECKINS") ?? "700");
        Declare("kinds", "--checkins", "60", "--seed", "17");
        Declare("kinds-sha1", "--checkins", "40", "--seed", "8", "--sha1");
        Declare("kinds-shuffled", "--checkins", "60", "--seed", "9", "--shuffle");
    }

    /// <summary>700 random check-ins (or <c>EDGESYNC_HISTORY_CHECKINS</c>), then every other kind.</summary>
    public string History => _made["history"].Value;

    /// <summary>Small, all kinds.</summary>
    public string Kinds => _made["kinds"].Value;

    /// <summary>By name, for theories.</summary>
    public string this[string name] => _made[name].Value;

    /// <summary>A copy that the caller may change.</summary>
    internal string CopyOf(string name, TemporaryFolder folder, string fileName)
    {
        var target = folder[fileName];
        File.Copy(this[name], target);
        return target;
    }

    public void Dispose() => _folder.Dispose();

    private void Declare(string name, params string[] options) =>
        _made[name] = new Lazy<string>(() => Make(name, [.. options, "--no-reparent"]));

    private string Make(string name, string[] options)
    {
        StockFossil.SkipWhenMissing();
        var script = Path.Combine(Vectors.RepositoryRoot, "scripts", "make-history.py");
        var target = _folder[name + ".fossil"];
        new ProgramStart("python3")
        {
            Arguments = [script, target, .. options],
            Folder = _folder.Path
        }.Run().MustSucceed();
        return target;
    }
}
