using System.Diagnostics;
using System.Globalization;
using EdgeSync.Net.Http;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Logging;

/// <summary>
/// The log of a daemon, on stderr: one event a line, a message and then pairs. Text on a terminal, JSON elsewhere (unless
/// <c>EDGESYNC_LOG_FORMAT</c> or <c>--log-format</c> says otherwise), no time under journald. Repeated warnings are folded.
/// </summary>
internal sealed class ServeLog
{
    private readonly Sink _sink;
    private readonly LogPair[] _fields;

    private ServeLog(Sink sink, LogPair[] fields) => (_sink, _fields) = (sink, fields);

    /// <summary>Formatted as the environment asks for.</summary>
    public ServeLog(TextWriter target, TimeProvider clock)
        : this(target, clock, LogSettings.OfProcess())
    {
    }

    public ServeLog(TextWriter target, TimeProvider clock, LogSettings settings)
        : this(new Sink(target, clock, settings), [])
    {
    }

    /// <summary>Gets every entry that is written, before it is folded; for the export of telemetry.</summary>
    public Action<LogEntry>? Tee
    {
        get => _sink.Tee;
        set => _sink.Tee = value;
    }

    /// <summary>How much is logged, and how, from now on; for all logs of the process.</summary>
    public void Change(LogSettings settings) => _sink.Settings = settings;

    public bool IsEnabled(LogLevel level) => level >= _sink.Settings.LevelMin;

    /// <summary>The same log with pairs that go with each line, such as <c>agent</c> or <c>repository</c>.</summary>
    public ServeLog With(params ReadOnlySpan<(string Key, LogValue Value)> pairs) => new(_sink, Join(pairs));

    public void Write(string message, params ReadOnlySpan<(string Key, LogValue Value)> pairs) => Write(LogLevel.Info, message, pairs);

    /// <summary>Pairs without a value, or with an empty one, are left out.</summary>
    public void Write(LogLevel level, string message, params ReadOnlySpan<(string Key, LogValue Value)> pairs)
    {
        if (IsEnabled(level)) _sink.Write(level, message, Join(pairs));
    }

    public void Write(in XferHttpLogEntry entry)
    {
        var level = entry.Fault is not null || entry.Status >= 500 ? LogLevel.Warning : entry.Path is "/healthz" or "/readyz" or "/metrics" or "/status" ? LogLevel.Debug : LogLevel.Info;
        Write(
            level, "request",
            [
                ("method", entry.Method), ("path", entry.Path), ("status", entry.Status), ("from", entry.RemoteAddress.ToString()),
                ("in", entry.BytesIn), ("out", entry.BytesOut), ("ms", entry.Elapsed.TotalMilliseconds), .. Did(entry.Note), ("fault", entry.Fault),
            ]);
    }

    // "clone user:nobody sent:302" is what was done, and pairs.
    private static IEnumerable<(string Key, LogValue Value)> Did(string? note)
    {
        var (did, error) = (note?.Split(" error:", 2) ?? []) switch { [var a, var b] => (a, b), [var a] => (a, null), _ => ("", (string?)null) };
        if (error is not null) yield return ("error", error);
        foreach (var word in did.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = word.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) yield return ("did", word);
            else if (long.TryParse(word.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) yield return (word[..colon], number);
            else yield return (word[..colon], word[(colon + 1)..]);
        }
    }

    private LogPair[] Join(ReadOnlySpan<(string Key, LogValue Value)> pairs)
    {
        var joined = new List<LogPair>(_fields.Length + pairs.Length);
        foreach (var (key, value) in pairs)
        {
            if (value.Text is { Length: > 0 } text) joined.Add(new(key, text, value.IsNumber));
        }

        joined.AddRange(_fields);
        return [.. joined];
    }

    /// <summary>What all logs of a process share.</summary>
    private sealed class Sink(TextWriter target, TimeProvider clock, LogSettings atStart)
    {
        private volatile LogSettings _settings = atStart;

        // Pairs that differ between two occurrences of the same trouble.
        private static readonly string[] Changing = ["ms", "in", "out", "again_in", "next_try", "attempt"];

        private readonly Lock _lock = new();
        private readonly LogFold _fold = new();

        public LogSettings Settings
        {
            get => _settings;
            set => _settings = value;
        }

        public Action<LogEntry>? Tee { get; set; }

        public void Write(LogLevel level, string message, LogPair[] pairs)
        {
            var now = clock.GetUtcNow();
            var trace = Activity.Current is { } span ? span.Context : (ActivityContext?)null;
            var entry = new LogEntry(now, level, message, pairs, trace);
            Tee?.Invoke(entry);
            lock (_lock)
            {
                if (level >= LogLevel.Warning)
                {
                    if (!_fold.ShouldWrite(Instant.FromDateTime(now), KindOf(message, pairs), out var folded)) return;
                    if (folded > 0) entry = entry with { Pairs = [.. pairs, new("repeated", folded.ToString(CultureInfo.InvariantCulture), true)] };
                }

                target.WriteLine(LogLine.Format(_settings.Style, entry));
            }
        }

        private static string KindOf(string message, LogPair[] pairs) =>
            string.Join('\0', pairs.Where(p => !Changing.Contains(p.Key)).Select(p => p.Value).Prepend(message));
    }
}
