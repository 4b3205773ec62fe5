using Microsoft.Extensions.Configuration;

namespace EdgeSync.Node.Settings;

/// <summary>
/// The values of one origin: a file, a variable, a flag. The path <c>repositories[0].serve_nats</c> is the key
/// <c>repositories:0:servenats</c>. The binder ignores case and finds it by the property's name.
/// </summary>
/// <param name="origin">As shown by <c>config show</c>.</param>
internal sealed class SettingLayer(string origin) : ConfigurationProvider
{
    /// <summary>
    /// The binder makes an object, or a list of texts, only of a key with children. This child stands for <c>{}</c> and
    /// <c>[]</c>: no property has its name, and it holds no value of its own.
    /// </summary>
    private const string Present = ":-:-";

    private readonly List<string> _replaced = [];

    public string Origin => origin;

    public bool IsEmpty => Data.Count == 0;

    /// <summary>Each value that is set; the path ends with the name of the setting, without underscores.</summary>
    public IEnumerable<(string Path, string Value)> Values
    {
        get
        {
            foreach (var (key, value) in Data)
            {
                if (value is not null) yield return (key.Replace(':', '.'), value);
            }
        }
    }

    public static string KeyOf(string path) =>
        string.Concat(path.Where(c => c is not (']' or '_')).Select(c => c is '.' or '[' ? ':' : c));

    /// <param name="value">Null for the default, whatever lower layers set.</param>
    public void Add(string path, string? value)
    {
        Data[KeyOf(path)] = value;
        if (value is null) _replaced.Add(KeyOf(path));
    }

    /// <summary>Starts a list: the same list of lower layers does not count.</summary>
    public void AddList(string path) => _replaced.Add(KeyOf(path));

    /// <summary>An empty section.</summary>
    public void AddEmpty(string path) => Data[KeyOf(path) + Present] = "";

    /// <param name="ofTexts">False for a list of objects, where the binder would make an object of the mark.</param>
    public void AddEmptyList(string path, bool ofTexts) => Data[KeyOf(path) + (ofTexts ? Present : "")] = "";

    /// <summary>A value is set at the place, or below it.</summary>
    public bool Has(string path) => TryGet(KeyOf(path), out _) || Elements(path).Any();

    /// <summary>The indexes of the list's elements.</summary>
    public IEnumerable<string> Elements(string path) => GetChildKeys([], KeyOf(path)).Distinct(StringComparer.Ordinal);

    /// <summary>
    /// Removes the values that a higher layer replaces. Providers are merged key by key: without this, a list of three
    /// below a list of one would keep its second and third element.
    /// </summary>
    public void RemoveReplaced(SettingLayer upper)
    {
        foreach (var replaced in upper._replaced)
        {
            foreach (var key in Data.Keys.Where(k => k == replaced || IsBelow(k, replaced)).ToList()) Data.Remove(key);
        }
    }

    private static bool IsBelow(string key, string section) => key.StartsWith(section + ":", StringComparison.Ordinal);
}
