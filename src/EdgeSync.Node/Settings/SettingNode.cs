using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EdgeSync.Node.Settings;

/// <summary>One place of <c>edgesync.json</c>: a map, a list or a value, with the line it stands on.</summary>
internal abstract class SettingNode
{
    /// <summary>From 1 on; 0 for what was said elsewhere.</summary>
    public int Line { get; init; }

    public static SettingNode Of(string text) => new SettingText(text);

    public static SettingNode Of(int number) => new SettingNumber(number.ToString(CultureInfo.InvariantCulture));

    public static SettingNode Of(bool isOn) => new SettingSwitch(isOn);

    /// <summary>Comments and trailing commas are welcome.</summary>
    /// <exception cref="JsonException">It is no JSON, or one map says something twice.</exception>
    public static SettingNode Parse(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        var lines = new Lines(text);
        reader.Read();
        var node = Read(ref reader, ref lines);
        reader.Read();   // complains of what stands behind
        return node;
    }

    /// <summary>A copy of its own: lists and maps are changed in place.</summary>
    public abstract SettingNode Clone();

    public abstract void WriteTo(Utf8JsonWriter json);

    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) WriteTo(json);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static SettingNode Read(ref Utf8JsonReader reader, ref Lines lines)
    {
        var line = lines.Of(reader.TokenStartIndex);
        return reader.TokenType switch
        {
            JsonTokenType.StartObject => ReadMap(ref reader, ref lines, line),
            JsonTokenType.StartArray => ReadList(ref reader, ref lines, line),
            JsonTokenType.String => new SettingText(reader.GetString()!) { Line = line },
            JsonTokenType.Number => new SettingNumber(Encoding.ASCII.GetString(reader.ValueSpan)) { Line = line },
            JsonTokenType.Null => new SettingNothing { Line = line },
            _ => new SettingSwitch(reader.GetBoolean()) { Line = line },
        };
    }

    private static SettingMap ReadMap(ref Utf8JsonReader reader, ref Lines lines, int line)
    {
        var map = new SettingMap { Line = line };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (map[name] is not null) throw new JsonException($"'{name}' stands there twice", null, lines.Of(reader.TokenStartIndex) - 1, null);

            reader.Read();
            map[name] = Read(ref reader, ref lines);
        }

        return map;
    }

    private static SettingList ReadList(ref Utf8JsonReader reader, ref Lines lines, int line)
    {
        var list = new SettingList { Line = line };
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) list.Items.Add(Read(ref reader, ref lines));
        return list;
    }

    /// <summary>Counts lines up to places that only grow.</summary>
    private ref struct Lines(ReadOnlySpan<byte> text)
    {
        private readonly ReadOnlySpan<byte> _text = text;
        private int _at;
        private int _line = 1;

        public int Of(long place)
        {
            for (; _at < place; _at++) _line += _text[_at] == '\n' ? 1 : 0;
            return _line;
        }
    }
}

internal sealed class SettingMap : SettingNode
{
    private readonly List<string> _names = [];
    private readonly Dictionary<string, SettingNode> _values = new(StringComparer.Ordinal);

    /// <summary>In the order in which they were set first.</summary>
    public IReadOnlyList<string> Names => _names;

    public SettingNode? this[string name]
    {
        get => _values.GetValueOrDefault(name);
        set
        {
            if (!_values.ContainsKey(name)) _names.Add(name);
            _values[name] = value!;
        }
    }

    public override SettingNode Clone()
    {
        var copy = new SettingMap { Line = Line };
        foreach (var name in _names) copy[name] = _values[name].Clone();
        return copy;
    }

    public override void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var name in _names)
        {
            json.WritePropertyName(name);
            _values[name].WriteTo(json);
        }

        json.WriteEndObject();
    }
}

internal sealed class SettingList : SettingNode
{
    public List<SettingNode> Items { get; } = [];

    public static SettingList Of(IEnumerable<SettingNode> items)
    {
        var list = new SettingList();
        list.Items.AddRange(items);
        return list;
    }

    public override SettingNode Clone()
    {
        var copy = new SettingList { Line = Line };
        foreach (var item in Items) copy.Items.Add(item.Clone());
        return copy;
    }

    public override void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var item in Items) item.WriteTo(json);
        json.WriteEndArray();
    }
}

internal sealed class SettingText(string text) : SettingNode
{
    public string Text { get; } = text;

    public override SettingNode Clone() => this;

    public override void WriteTo(Utf8JsonWriter json) => json.WriteStringValue(Text);
}

/// <summary>A number as it is written, until it is known what it has to be.</summary>
internal sealed class SettingNumber(string digits) : SettingNode
{
    public string Digits { get; } = digits;

    public override SettingNode Clone() => this;

    public override void WriteTo(Utf8JsonWriter json) => json.WriteRawValue(Digits);
}

internal sealed class SettingSwitch(bool isOn) : SettingNode
{
    public bool IsOn { get; } = isOn;

    public override SettingNode Clone() => this;

    public override void WriteTo(Utf8JsonWriter json) => json.WriteBooleanValue(IsOn);
}

/// <summary>null: the default is meant.</summary>
internal sealed class SettingNothing : SettingNode
{
    public override SettingNode Clone() => this;

    public override void WriteTo(Utf8JsonWriter json) => json.WriteNullValue();
}
