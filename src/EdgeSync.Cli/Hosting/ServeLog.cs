using System.Globalization;
using System.Text;
using EdgeSync.Net.Http;

namespace EdgeSync.Cli.Hosting;

/// <summary>
/// The log of a daemon: one line an event, a word and then <c>key=value</c> pairs. No time under journald, which adds its
/// own.
/// </summary>
internal sealed class ServeLog(TextWriter target, TimeProvider clock)
{
    private static readonly bool IsJournal = Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { Length: > 0 };

    public void Write(string what, params ReadOnlySpan<(string Key, string? Value)> pairs)
    {
        var line = new StringBuilder();
        if (!IsJournal)
            line.Append(clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)).Append(' ');
        line.Append(what);
        foreach (var (key, value) in pairs)
        {
            if (value is not null) line.Append(' ').Append(key).Append('=').Append(Quoted(value));
        }

        target.WriteLine(line.ToString());
    }

    public void Write(in XferHttpLogEntry entry) => Write(
        "request",
        ("method", entry.Method), ("path", entry.Path), ("status", Text(entry.Status)), ("from", entry.RemoteAddress.ToString()),
        ("in", Text(entry.BytesIn)), ("out", Text(entry.BytesOut)), ("ms", entry.Elapsed.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture)),
        ("did", entry.Note), ("fault", entry.Fault));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    // What a client sent must not look like another line, nor like another pair.
    private static string Quoted(string value)
    {
        if (value.Length > 0 && value.Length <= 200 && value.All(c => char.IsAsciiLetterOrDigit(c) || "-._~/:@+,[]".Contains(c))) return value;

        var text = new StringBuilder("\"");
        foreach (var c in value.Length > 200 ? value[..200] + "…" : value)
        {
            if (c is '"' or '\\') text.Append('\\').Append(c);
            else if (char.IsControl(c)) text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else text.Append(c);
        }

        return text.Append('"').ToString();
    }
}
