using System.Buffers;
using System.Buffers.Text;
using System.Collections;
using System.Text;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// The header block of a message: keys as they were written, each with one or more values, and the status line that
/// servers use. Not thread-safe.
/// </summary>
/// <remarks>
/// <code>
///   NATS/1.0[ code[ description]] CRLF  { Key: value CRLF }  CRLF
/// </code>
/// </remarks>
public sealed class NatsHeaders : IEnumerable<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _fields = [];

    /// <summary>Number of values, of all keys together.</summary>
    public int Count => _fields.Count;

    /// <summary>The status of the first line, 0 without one: 503 is "no responders".</summary>
    public int Code { get; init; }

    /// <summary>The text of the status line after its code.</summary>
    public string Message { get; init; } = "";

    /// <summary>The last value of a key, or null. Setting replaces all values.</summary>
    public string? this[string key]
    {
        get => TryGetLastValue(key, out var value) ? value : null;
        set
        {
            _fields.RemoveAll(field => field.Key == key);
            if (value is not null) Add(key, value);
        }
    }

    /// <exception cref="ArgumentException">A key with a colon, or a line end in either.</exception>
    public void Add(string key, string value)
    {
        if (key.Length == 0 || key.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0 || key.Contains(':'))
            throw new ArgumentException($"'{key}' is not a header key: visible ASCII without a colon.", nameof(key));
        if (value.AsSpan().ContainsAny('\r', '\n'))
            throw new ArgumentException($"The value of header {key} holds a line end.", nameof(value));

        _fields.Add(new(key, value));
    }

    public bool ContainsKey(string key) => TryGetLastValue(key, out _);

    public bool TryGetLastValue(string key, out string value)
    {
        for (var i = _fields.Count - 1; i >= 0; i--)
        {
            if (_fields[i].Key != key) continue;
            value = _fields[i].Value;
            return true;
        }

        value = "";
        return false;
    }

    public IEnumerable<string> GetValues(string key) =>
        _fields.Where(field => field.Key == key).Select(field => field.Value);

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _fields.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>
    /// False for a malformed block; servers forward such blocks, so receivers must accept them.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> block, out NatsHeaders headers)
    {
        headers = [];
        var lines = new NatsHeaderLines(block);
        if (!lines.TryTakeStatus(out var code, out var message)) return false;

        headers = new NatsHeaders { Code = code, Message = Encoding.UTF8.GetString(message) };
        while (lines.TryTake(out var key, out var value))
            headers._fields.Add(new(Encoding.UTF8.GetString(key), Encoding.UTF8.GetString(value)));
        return lines.IsComplete;
    }

    public void WriteTo(IBufferWriter<byte> output)
    {
        output.Write(NatsHeaderLines.Version);
        if (Code > 0)
        {
            Span<byte> digits = stackalloc byte[12];
            digits[0] = (byte)' ';
            Utf8Formatter.TryFormat(Code, digits[1..], out var written);
            output.Write(digits[..(written + 1)]);
            if (Message.Length > 0) WriteText(output, " "u8, Message);
        }

        output.Write("\r\n"u8);
        foreach (var (key, value) in _fields)
        {
            WriteText(output, default, key);
            WriteText(output, ": "u8, value);
            output.Write("\r\n"u8);
        }

        output.Write("\r\n"u8);
    }

    /// <summary>The block in bytes.</summary>
    public byte[] ToBytes()
    {
        var output = new ArrayBufferWriter<byte>();
        WriteTo(output);
        return output.WrittenSpan.ToArray();
    }

    private static void WriteText(IBufferWriter<byte> output, ReadOnlySpan<byte> before, string text)
    {
        output.Write(before);
        Encoding.UTF8.GetBytes(text, output);
    }
}
