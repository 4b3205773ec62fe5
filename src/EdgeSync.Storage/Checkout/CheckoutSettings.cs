using System.Text;
using EdgeSync.Fossil.Glob;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Settings as a checkout sees them: a file of <c>.fossil-settings</c> for those that can be versioned, else the
/// repository's, else the user's own. Spec: db_get in db.c.
/// </summary>
public sealed class CheckoutSettings(Repository repository, DiskFolder disk)
{
    private readonly Dictionary<string, string?> _known = new(StringComparer.Ordinal);

    /// <summary>Null when it is nowhere set.</summary>
    public string? this[string name]
    {
        get
        {
            if (_known.TryGetValue(name, out var value)) return value;

            value = (StockSettings.IsVersionable(name) ? OfFile(name) : null) ?? repository.Settings[name]
                ?? GlobalConfig.Get(name);
            return _known[name] = value;
        }
    }

    public bool Boolean(string name, bool otherwise = false) =>
        this[name] is { } text ? Settings.IsTrue(text) || (otherwise && !Settings.IsFalse(text)) : otherwise;

    public NameGlob Glob(string name) => new(this[name] ?? "");

    /// <summary>Files have changed: what was read of them is read again.</summary>
    public void Forget() => _known.Clear();

    /// <summary>Names that the checkout writes at its top for other tools.</summary>
    public IReadOnlyList<string> ManifestNames => ManifestSetting.Names(this["manifest"]);

    private string? OfFile(string name)
    {
        try
        {
            if (disk.Find($".fossil-settings/{name}") is not { Kind: DiskKind.Regular }) return null;

            using var reader = new StreamReader(disk.OpenRead($".fossil-settings/{name}"));
            var text = new StringBuilder();
            while (reader.ReadLine() is { } line)
                if (!line.StartsWith('#')) text.Append(line).Append('\n');
            return text.ToString().Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // the other settings hold
        }
    }
}
