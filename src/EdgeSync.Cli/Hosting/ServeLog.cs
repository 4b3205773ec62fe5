using System.Diagnostics;
using System.Globalization;
using EdgeSync.Cli.Configuration;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Hosting;

/// <summary>
/// The log of a daemon, on stderr: one event a line, a message and then pairs. Text on a terminal, JSON elsewhere (unless
/// <c>EDGESYNC_LOG_FORMAT</c> or <c>--log-format</c> says otherwise), no time under journald. Repeated warnings are folded.
/// </summary>
internal sealed class ServeLog
{
    private readonly Sink _sink;
    private readonly KeyValuePair<string, string>[] _fields;

    private ServeLog(Sink sink, KeyValuePair<string, string>[] fields) => (_sink, _fields) = (sink, fields);

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
    public ServeLog With(params ReadOnlySpan<(string Key, string? Value)> pairs) => new(_sink, Join(pairs));

    public void Write(string message, params ReadOnlySpan<(string Key, string? Value)> pairs) => Write(LogLevel.Info, message, pairs);

    /// <summary>Pairs without a value are left out.</summary>
    public void Write(LogLevel level, string message, params ReadOnlySpan<(string Key, string? Value)> pairs)
    {
        if (IsEnabled(level)) _sink.Write(level, message, Join(pairs));
    }

    public void Write(in XferHttpLogEntry entry)
    {
        var level = entry.Fault is not null || entry.Status >= 500 ? LogLevel.Warning : entry.Path is "/healthz" or "/readyz" or "/metrics" or "/status" ? LogLevel.Debug : LogLevel.Info;
        Write(
            level, "request",
            ("method", entry.Method), ("path", entry.Path), ("status", Text(entry.Status)), ("from", entry.RemoteAddress.ToString()),
            ("in", Text(entry.BytesIn)), ("out", Text(entry.BytesOut)), ("ms", entry.Elapsed.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture)),
            ("did", entry.Note), ("fault", entry.Fault));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private KeyValuePair<string, string>[] Join(ReadOnlySpan<(string Key, string? Value)> pairs)
    {
        var joined = new List<KeyValuePair<string, string>>(_fields.Length + pairs.Length);
        foreach (var (key, value) in pairs)
        {
            if (value is not null) joined.Add(new(key, value));
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

        public void Write(LogLevel level, string message, KeyValuePair<string, string>[] pairs)
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
                    if (folded > 0) entry = entry with { Pairs = [.. pairs, new("repeated", Text(folded))] };
                }

                target.WriteLine(LogLine.Format(_settings.Style, entry));
            }
        }

        private static string KindOf(string message, KeyValuePair<string, string>[] pairs) =>
            string.Join('\0', pairs.Where(p => !Changing.Contains(p.Key)).Select(p => p.Value).Prepend(message));
    }
}
