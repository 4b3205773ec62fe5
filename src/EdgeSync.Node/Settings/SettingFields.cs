using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>A part of the settings. It names its fields once, for reading as for writing.</summary>
internal interface ISettingSection
{
    /// <summary>Hands each field over and takes back what it shall be.</summary>
    void Describe(SettingFields fields);
}

/// <summary>A place of the settings that cannot be what it is.</summary>
internal sealed class SettingException(string path, int line, string message) : Exception(message)
{
    /// <summary>As in the file: <c>repositories[0].poll</c>.</summary>
    public string Path { get; } = path;

    /// <summary>0 when it stands in no file.</summary>
    public int Line { get; } = line;
}

/// <summary>
/// The fields of one section, on their way from the file into the section or from the section into a tree. Reading, a field
/// that is not there (or null) stays as it is, and a name that no field has is a fault; writing, all stay as they are.
/// </summary>
internal sealed class SettingFields
{
    private readonly SettingMap _map;
    private readonly bool _isWriting;
    private readonly string _path;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    private SettingFields(SettingMap map, bool isWriting, string path)
    {
        (_map, _isWriting, _path) = (map, isWriting, path);
    }

    /// <exception cref="SettingException">A name is unknown, or a value cannot be there.</exception>
    public static void Read(SettingMap map, ISettingSection section, string path = "")
    {
        var fields = new SettingFields(map, isWriting: false, path);
        section.Describe(fields);
        foreach (var name in map.Names)
        {
            if (!fields._known.Contains(name)) throw new SettingException(
                    fields.PathOf(name), map[name]!.Line,
                    $"unknown setting '{fields.PathOf(name)}'{Suggestions.Question(Suggestions.Nearest(name, fields._known) is { } near ? fields.PathOf(near) : null)}");
        }
    }

    /// <summary>The whole section, defaults included.</summary>
    public static SettingMap Write(ISettingSection section)
    {
        var map = new SettingMap();
        section.Describe(new SettingFields(map, isWriting: true, ""));
        return map;
    }

    public string Text(string name, string current) => OptionalText(name, current) ?? current;

    public string? OptionalText(string name, string? current)
    {
        if (_isWriting) return Put(name, current is null ? null : SettingNode.Of(current), current);

        return Find(name) switch
        {
            null => current,
            SettingText { Text.Length: 0 } => null,   // as an empty variable: not set
            SettingText text => text.Text,
            var other => throw Refuse(name, other, "a text is expected"),
        };
    }

    public bool Flag(string name, bool current)
    {
        if (_isWriting) return Put(name, SettingNode.Of(current), current);

        return Find(name) switch
        {
            null => current,
            SettingSwitch flag => flag.IsOn,
            var other => throw Refuse(name, other, "true or false is expected"),
        };
    }

    public int Number(string name, int current) => OptionalNumber(name, current) ?? current;

    public int? OptionalNumber(string name, int? current)
    {
        if (_isWriting) return Put(name, current is { } known ? SettingNode.Of(known) : null, current);

        return Find(name) switch
        {
            null => current,
            SettingNumber number when int.TryParse(number.Digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) => value,
            var other => throw Refuse(name, other, "a whole number is expected"),
        };
    }

    /// <summary><c>"30s"</c>, <c>"10m"</c>, <c>"0"</c>: as on the command line.</summary>
    public TimeSpan Span(string name, TimeSpan current) => OptionalSpan(name, current) ?? current;

    public TimeSpan? OptionalSpan(string name, TimeSpan? current)
    {
        if (_isWriting) return Put(name, current is { } known ? SettingNode.Of(Durations.Format(known)) : null, current);

        return Find(name) switch
        {
            null => current,
            SettingText text when Durations.TryParse(text.Text, out var span) => span,
            SettingText text => throw Refuse(name, text, Durations.FaultOf(text.Text)),
            var other => throw Refuse(name, other, "a duration is a text such as \"30s\""),
        };
    }

    /// <summary>One of some words; which of them, by number.</summary>
    public int Word(string name, int current, ReadOnlySpan<string> words)
    {
        if (_isWriting) return Put(name, SettingNode.Of(words[current]), current);
        if (Find(name) is not { } node) return current;

        var text = (node as SettingText)?.Text;
        for (var i = 0; i < words.Length; i++)
        {
            if (string.Equals(words[i], text, StringComparison.OrdinalIgnoreCase)) return i;
        }

        throw Refuse(name, node, $"'{text ?? node.ToJson()}' is not one of {string.Join(", ", words)}");
    }

    public List<string> Texts(string name, List<string> current) => OptionalTexts(name, current) ?? current;

    public List<string>? OptionalTexts(string name, List<string>? current)
    {
        if (_isWriting) return Put(name, current is null ? null : SettingList.Of(current.Select(SettingNode.Of)), current);
        if (List(name) is not { } list) return current;

        var texts = new List<string>();
        foreach (var item in list.Items) texts.Add(item is SettingText text ? text.Text : throw Refuse(name, item, "a list of texts is expected"));
        return texts;
    }

    public T Section<T>(string name, T current)
        where T : class, ISettingSection
    {
        if (_isWriting) Put(name, Write(current), current);
        else if (Find(name) is { } node) Read(Map(name, node), current, PathOf(name));
        return current;
    }

    public T? OptionalSection<T>(string name, T? current, Func<T> make)
        where T : class, ISettingSection
    {
        if (_isWriting) return Put(name, current is null ? null : Write(current), current);

        return Find(name) is null ? current : Section(name, current ?? make());
    }

    public List<T> Sections<T>(string name, List<T> current, Func<T> make)
        where T : class, ISettingSection
    {
        if (_isWriting) return Put(name, SettingList.Of(current.Select(Write)), current);
        if (List(name) is not { } list) return current;

        var sections = new List<T>();
        foreach (var item in list.Items)
        {
            var section = make();
            var place = $"{name}[{sections.Count.ToString(CultureInfo.InvariantCulture)}]";
            Read(Map(place, item), section, PathOf(place));
            sections.Add(section);
        }

        return sections;
    }

    private SettingNode? Find(string name)
    {
        _known.Add(name);
        return _map[name] is { } node and not SettingNothing ? node : null;
    }

    private SettingList? List(string name) => Find(name) switch
    {
        null => null,
        SettingList list => list,
        var other => throw Refuse(name, other, "a list is expected"),
    };

    private SettingMap Map(string name, SettingNode node) => node as SettingMap ?? throw Refuse(name, node, "an object is expected");

    private T Put<T>(string name, SettingNode? node, T current)
    {
        _map[name] = node ?? new SettingNothing();
        return current;
    }

    private string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    private SettingException Refuse(string name, SettingNode node, string message) => new(PathOf(name), node.Line, message);
}
