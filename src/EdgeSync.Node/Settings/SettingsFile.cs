using System.Text;
using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// Reads <c>edgesync.json</c> into a layer, in one pass with the checks that a configuration provider lacks: names and
/// their case, repeated names, JSON types. Each fault has its line. Comments and trailing commas are allowed.
/// </summary>
internal ref struct SettingsFile
{
    private readonly string _name;
    private readonly SettingLayer _layer;
    private readonly ReadOnlySpan<byte> _text;
    private Utf8JsonReader _reader;

    private SettingsFile(string name, ReadOnlySpan<byte> text)
    {
        (_name, _layer) = (name, new SettingLayer(name));
        _text = text;
        var options = new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        _reader = new Utf8JsonReader(text, options);
    }

    /// <param name="name">For messages, and the origin of the values.</param>
    /// <exception cref="EdgeSyncException">It is not JSON, or contains an invalid setting.</exception>
    public static SettingLayer Read(string name, ReadOnlySpan<byte> text)
    {
        if (text.Trim(" \t\r\n"u8).IsEmpty)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{name} is empty: the settings are one JSON object", "write {} for no settings");
        }

        var file = new SettingsFile(name, text);
        try
        {
            file._reader.Read();
            if (file._reader.TokenType != JsonTokenType.StartObject)
                throw new EdgeSyncException(ErrorKind.Usage, $"{name}: the settings are one JSON object");

            file.ReadSection(SettingShape.Root, "");
            file._reader.Read();   // throws when something follows
            return file._layer;
        }
        catch (JsonException e)
        {
            throw file.Refuse(e.LineNumber is { } before ? before + 1 : 0, Reason(e), e);
        }
    }

    private void ReadSection(SettingShape section, string path)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = _reader.GetString()!;
            if (!seen.Add(name)) throw Refuse($"'{name}' is set twice");

            var place = path.Length == 0 ? name : $"{path}.{name}";
            if (section.Find(name) is not { } shape)
                throw Refuse($"unknown setting '{place}'{Question(section, name, path)}");

            _reader.Read();
            ReadValue(shape, place);
        }

        if (seen.Count == 0 && path.Length > 0) _layer.AddEmpty(path);
    }

    private void ReadValue(SettingShape shape, string path)
    {
        switch (_reader.TokenType)
        {
            case JsonTokenType.Null:
                _layer.Add(path, null);
                break;
            case JsonTokenType.StartObject when shape.IsSection:
                ReadSection(shape, path);
                break;
            case JsonTokenType.StartArray when shape.IsList:
                ReadList(shape.Element, path);
                break;
            default:
                var text = RawText();
                if (shape.FaultOf(_reader.TokenType, ref text) is { } fault) throw Refuse($"{path}: {fault}");

                _layer.Add(path, text.Length == 0 ? null : text);   // empty counts as unset, like a variable
                break;
        }
    }

    private void ReadList(SettingShape element, string path)
    {
        var count = 0;
        _layer.AddList(path);
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            var place = $"{path}[{count++}]";
            if (element.IsSection)
            {
                if (_reader.TokenType != JsonTokenType.StartObject) throw Refuse($"{place}: an object is expected");

                ReadSection(element, place);
            }
            else
            {
                if (_reader.TokenType != JsonTokenType.String) throw Refuse($"{path}: a list of texts is expected");

                _layer.Add(place, _reader.GetString()!);
            }
        }

        if (count == 0) _layer.AddEmptyList(path, ofTexts: !element.IsSection);
    }

    // As written, for a message; a section or list at a wrong place is rejected before its text is read.
    private string RawText() => _reader.TokenType switch
    {
        JsonTokenType.String => _reader.GetString()!,
        _ => Encoding.UTF8.GetString(_reader.ValueSpan),
    };

    private static string Question(SettingShape section, string name, string path)
    {
        var near = section.Names.FirstOrDefault(n => string.Equals(n, name, StringComparison.OrdinalIgnoreCase))
            ?? Suggestions.Nearest(name, section.Names);
        return Suggestions.Question(near is null ? null : path.Length == 0 ? near : $"{path}.{near}");
    }

    private readonly EdgeSyncException Refuse(string reason) =>
        Refuse(1 + _text[..(int)_reader.TokenStartIndex].Count((byte)'\n'), reason);

    private readonly EdgeSyncException Refuse(long line, string reason, JsonException? cause = null)
    {
        var place = line > 0 ? $"{_name} line {line}" : _name;
        return new(ErrorKind.Usage, $"{place}: {reason}", "correct the file; edgesync config validate", cause);
    }

    // The library's message names its reader, and repeats the place in its own form.
    private static string Reason(JsonException e)
    {
        var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var text = end < 0 ? e.Message : e.Message[..end];
        if (text.StartsWith("Expected depth", StringComparison.Ordinal))
            return "not valid JSON: the file ends before all braces and brackets are closed";

        return "not valid JSON: " + text.TrimEnd('.').Replace("Expected", "expected", StringComparison.Ordinal);
    }
}
