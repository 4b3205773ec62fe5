using System.Text.Json;

namespace EdgeSync.Agent;

/// <summary>
/// The fields of one JSON object, one after the other. Broken text, nesting where none is expected and values of another
/// kind are no exceptions: such a value reads as nothing, and broken text ends the walk with <see cref="IsWhole"/> false.
/// </summary>
internal ref struct JsonFields(ReadOnlySpan<byte> text)
{
    private const int DepthMax = 8;

    private Utf8JsonReader _reader = new(text, new JsonReaderOptions { MaxDepth = DepthMax });
    private bool _isStarted;
    private bool _isBroken;

    /// <summary>True once the closing brace was read.</summary>
    public bool IsWhole { get; private set; }

    public bool TryNext(out string name)
    {
        name = "";
        if (IsWhole || _isBroken) return false;

        try
        {
            if (!_isStarted)
            {
                _isStarted = true;
                if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject) return Break();
            }

            if (!_reader.Read()) return Break();
            if (_reader.TokenType == JsonTokenType.EndObject)
            {
                IsWhole = !_reader.Read();
                return false;
            }

            name = _reader.GetString() ?? "";
            if (!_reader.Read()) return Break();
            if (_reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && name is not ("capabilities" or "with"))
                _reader.Skip();
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Break();
        }
    }

    public string? Text()
    {
        if (_reader.TokenType != JsonTokenType.String) return null;

        try
        {
            return _reader.GetString();
        }
        catch (InvalidOperationException)
        {
            // Bytes that are no UTF-8.
            return null;
        }
    }

    public readonly long Number() =>
        _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var number) ? number : 0;

    /// <summary>The texts of an array; anything else in it is skipped.</summary>
    public List<string> Texts(int countMax)
    {
        var texts = new List<string>();
        if (_reader.TokenType != JsonTokenType.StartArray) return texts;

        try
        {
            while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
            {
                if (_reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) _reader.Skip();
                else if (texts.Count < countMax && Text() is { } text) texts.Add(text);
            }
        }
        catch (JsonException)
        {
            _isBroken = true;
        }

        return texts;
    }

    private bool Break()
    {
        _isBroken = true;
        return false;
    }
}
