using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Logging;

/// <summary>The format of log lines.</summary>
internal enum LogStyle
{
    /// <summary><c>TIME LEVEL sentence name=value…</c>.</summary>
    Text,

    /// <summary>
    /// The same under journald, which stores time and level itself (sd-daemon(3): a leading <c>&lt;N&gt;</c>).
    /// </summary>
    Journal,

    /// <summary>One object per line.</summary>
    Json,
}

/// <summary>
/// Writes one entry as one line. A peer's text can imitate neither another line nor another field.
/// </summary>
internal static class LogLine
{
    private const int ValueLengthMax = 500;

    private static readonly JsonWriterOptions JsonOptions = new()
    {
        SkipValidation = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    public static string Format(LogStyle style, LogEntry entry)
    {
        if (style == LogStyle.Json) return Json(entry);

        var line = new StringBuilder();
        if (style == LogStyle.Journal) line.Append('<').Append(PriorityOf(entry.Level)).Append('>');
        else line.Append(TimeOf(entry)).Append(' ').Append(WordOf(entry.Level).ToUpperInvariant()).Append(' ');
        line.Append(entry.Message);
        foreach (var (name, value) in entry.Fields)
            line.Append(' ').Append(name).Append('=').Append(Quoted(LogEntry.TextOf(value)));
        return line.ToString();
    }

    private static string Json(LogEntry entry)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("time", TimeOf(entry));
            json.WriteString("level", WordOf(entry.Level));
            json.WriteString("event", entry.Event);
            json.WriteString("message", entry.Message);
            foreach (var (name, value) in entry.Fields)
            {
                json.WritePropertyName(name);
                if (value is int or long or ulong or double or bool) json.WriteRawValue(LogEntry.TextOf(value));
                else json.WriteStringValue(Clipped(LogEntry.TextOf(value)));
            }

            if (entry.Trace is { } trace)
            {
                json.WriteString("trace_id", trace.TraceId.ToHexString());
                json.WriteString("span_id", trace.SpanId.ToHexString());
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string TimeOf(LogEntry entry) =>
        entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    internal static string WordOf(LogLevel level) => level switch
    {
        <= LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        _ => "error",
    };

    // Spec: syslog(3): 3 error, 4 warning, 6 info, 7 debug.
    private static char PriorityOf(LogLevel level) => level switch
    {
        <= LogLevel.Debug => '7',
        LogLevel.Information => '6',
        LogLevel.Warning => '4',
        _ => '3',
    };

    private static string Quoted(string value)
    {
        if (value.Length is > 0 and <= ValueLengthMax
            && value.All(c => char.IsAsciiLetterOrDigit(c) || "-._~/:@+,[]".Contains(c)))
            return value;

        var text = new StringBuilder("\"");
        foreach (var c in Clipped(value))
        {
            if (c is '"' or '\\') text.Append('\\').Append(c);
            else if (char.IsControl(c)) text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else text.Append(c);
        }

        return text.Append('"').ToString();
    }

    private static string Clipped(string value) =>
        value.Length > ValueLengthMax ? value[..ValueLengthMax] + "…" : value;
}
