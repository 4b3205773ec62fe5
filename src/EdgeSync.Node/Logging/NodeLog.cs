using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.Node.Logging;

/// <summary>
/// The log of a process, on stderr: one event per line, a sentence and then fields. Text on a terminal, JSON elsewhere
/// (unless <c>EDGESYNC_LOG_FORMAT</c> or <c>--log-format</c> set another), no time under journald. Repeated warnings
/// are folded. Libraries log through it, too, at a suitable level (<see cref="LogCategory"/>).
/// </summary>
internal sealed class NodeLog : ILoggerFactory
{
    /// <summary>Of our own events, whose names are stable; those of libraries have none.</summary>
    public const string Category = "edgesync";

    private static readonly ConcurrentDictionary<string, string> FieldNames = new(StringComparer.Ordinal);

    private readonly TextWriter _target;
    private readonly TimeProvider _clock;
    private readonly string? _agent;
    private readonly Lock _lock = new();
    private readonly LogFold _fold = new();
    private volatile LogSettings _settings;

    /// <param name="target">The target of the lines.</param>
    /// <param name="clock">The time of the entries.</param>
    /// <param name="settings">The lowest level, and the format.</param>
    /// <param name="agent">The node's name, a field of every line.</param>
    public NodeLog(TextWriter target, TimeProvider clock, LogSettings settings, string? agent = null) =>
        (_target, _clock, _settings, _agent) = (target, clock, settings, agent);

    /// <summary>Receives every entry that is written, before it is folded; for the export of telemetry.</summary>
    public Action<LogEntry>? Tee { get; set; }

    /// <summary>The last events, before they are folded.</summary>
    public RecentEvents Recent { get; } = new();

    /// <summary>Changes the lowest level and the format.</summary>
    public void Change(LogSettings settings) => _settings = settings;

    /// <summary>For our own events.</summary>
    public ILogger CreateLogger() => CreateLogger(Category);

    public ILogger CreateLogger(string categoryName) => new Logger(this, LogCategory.Of(categoryName));

    void ILoggerFactory.AddProvider(ILoggerProvider provider) => throw new NotSupportedException("one log, one place");

    public void Dispose()
    {
    }

    private void Write(LogEntry entry)
    {
        Tee?.Invoke(entry);
        Recent.Add(entry);
        lock (_lock)
        {
            if (entry.Level >= LogLevel.Warning)
            {
                if (!_fold.ShouldWrite(Instant.FromDateTime(entry.Time), entry.Kind, out var folded)) return;
                if (folded > 0) entry = entry with { Fields = [.. entry.Fields, new("repeated", folded)] };
            }

            _target.WriteLine(LogLine.Format(_settings.Style, entry));
        }
    }

    private static string NameOf(string parameter) =>
        FieldNames.GetOrAdd(parameter, JsonNamingPolicy.SnakeCaseLower.ConvertName);

    private sealed class Logger(NodeLog log, LogCategory category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) =>
            category.LevelOf(logLevel) is not LogLevel.None and var level && level >= log._settings.LevelMin;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            if (!IsEnabled(logLevel)) return;

            var fields = new List<KeyValuePair<string, object?>>();
            if (category.Event is not null) fields.Add(new("text", Secrets.RedactUrls(formatter(state, exception))));
            else if (state is IReadOnlyList<KeyValuePair<string, object?>> pairs) AddTo(fields, pairs);
            if (exception is not null)
                fields.Add(new("error", Secrets.RedactUrls($"{exception.GetType().Name}: {exception.Message}")));
            if (category.Event is not null) fields.Add(new("category", category.Name));
            if (log._agent is { } agent) fields.Add(new("agent", agent));
            var message = category.Sentence ?? formatter(state, exception);
            log.Write(new LogEntry(
                log._clock.GetUtcNow(), category.LevelOf(logLevel), category.Event ?? eventId.Name
                ?? Category, message, fields, Activity.Current?.Context));
        }

        // Fields without a value, or with an empty one, are omitted.
        private static void AddTo(
            List<KeyValuePair<string, object?>> fields, IReadOnlyList<KeyValuePair<string, object?>> pairs)
        {
            foreach (var (name, value) in pairs)
            {
                if (value is not (null or "") && name != "{OriginalFormat}") fields.Add(new(NameOf(name), value));
            }
        }
    }
}
