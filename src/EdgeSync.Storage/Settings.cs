using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage;

/// <summary>One row of the <c>config</c> table.</summary>
public sealed record Setting(string Name, string Value, long MtimeSeconds);

/// <summary>
/// The repository's own settings. Each write records its time, because the newer setting wins in a sync.
/// </summary>
public sealed class Settings
{
    private readonly Repository _repository;

    internal Settings(Repository repository) => _repository = repository;

    private Database Database => _repository.Database;

    /// <summary>Null when not set. Setting null removes.</summary>
    public string? this[string name]
    {
        get
        {
            using var select = Database.Prepare("SELECT CAST(value AS TEXT) FROM config WHERE name=?1");
            return select.BindText(1, name).Step() ? select.Text(0) : null;
        }

        set
        {
            if (value is null) Remove(name);
            else Set(name, value);
        }
    }

    /// <summary>The setting, which every repository has.</summary>
    /// <exception cref="EdgeSyncException">The setting is absent.</exception>
    public string Require(string name) => this[name] ?? throw new EdgeSyncException(
        ErrorKind.Corrupt, $"{_repository.Path}: the setting {name} is missing",
        "the file may be a clone that never finished");

    public bool Boolean(string name, bool otherwise = false) => this[name] switch
    {
        null => otherwise,
        var text => ParseBoolean(text, otherwise),
    };

    public long Int64(string name, long otherwise = 0) =>
        long.TryParse(this[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        ? value
        : otherwise;

    public void Set(string name, string value) => Set(name, value, _repository.Now.UnixSeconds);

    public void Set(string name, string value, long mtimeSeconds)
    {
        using var replace = Database.Prepare("REPLACE INTO config(name,value,mtime) VALUES(?1,?2,?3)");
        replace.BindText(1, name).BindText(2, value).Bind(3, mtimeSeconds).Run();
        OnChanged(name);
    }

    public bool Remove(string name)
    {
        using var delete = Database.Prepare("DELETE FROM config WHERE name=?1");
        var isRemoved = delete.BindText(1, name).Run() > 0;
        if (isRemoved) OnChanged(name);
        return isRemoved;
    }

    /// <summary>Marks work on tables that a setting requires as due at the commit; for code that writes the row by
    /// other means.
    /// </summary>
    internal void OnChanged(string name)
    {
        if (name == TicketSchema.Setting) _repository.Crosslinker.TicketTablesAreStale = true;
    }

    /// <summary>All rows by name, or those whose name starts with <paramref name="prefix"/>.</summary>
    public IReadOnlyList<Setting> List(string prefix = "")
    {
        var settings = new List<Setting>();
        using var select = Database.Prepare(
            """
            SELECT name, CAST(value AS TEXT), mtime FROM config
             WHERE substr(name,1,length(?1))=?1 ORDER BY name
            """);
        select.BindText(1, prefix);
        while (select.Step()) settings.Add(new Setting(select.Text(0)!, select.Text(1) ?? "", select.Int64(2)));
        return settings;
    }

    /// <summary>Whether a value is one of stock's words for yes; null is not.</summary>
    public static bool IsOn(string? value) => value is not null && IsTrue(value);

    internal static bool IsTrue(string text) => ParseBoolean(text.Trim(), otherwise: false);

    internal static bool IsFalse(string text) => !ParseBoolean(text.Trim(), otherwise: true);

    // Spec: stock takes on/yes/true/1 and off/no/false/0 in any case; anything else gives the default.
    private static bool ParseBoolean(string text, bool otherwise) => text.ToLowerInvariant() switch
    {
        "on" or "yes" or "true" or "1" => true,
        "off" or "no" or "false" or "0" => false,
        _ => otherwise,
    };
}
