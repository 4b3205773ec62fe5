using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Logging;

/// <summary>Who logs: we ourselves, with events that have names, or a library, whose lines are one event.</summary>
/// <param name="Name">The logger's category.</param>
/// <param name="Event">Null: each event brings its name.</param>
/// <param name="Sentence">Of a library's lines, whose text is a field then.</param>
/// <param name="LevelKept">From this level on, a line keeps its level; what is less, from Information on, is for
/// debugging.</param>
internal sealed record LogCategory(string Name, string? Event, string? Sentence, LogLevel LevelKept)
{
    public static LogCategory Of(string name) => name switch
    {
        NodeLog.Category => new(name, null, null, LogLevel.Trace),
        // What it warns of, nats.unreachable and nats.disconnected tell with a hint.
        _ when name.StartsWith("NATS.", StringComparison.Ordinal) =>
            new(name, "nats.client", "NATS client", LogLevel.None),
        _ when name.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal) =>
            new(name, "http.server", "HTTP server", LogLevel.Warning),
        _ => new(name, "library", "Library", LogLevel.Warning),
    };

    /// <summary>The level at which a line of this level goes out; <see cref="LogLevel.None"/>: it does not.</summary>
    public LogLevel LevelOf(LogLevel level) =>
        level >= LevelKept ? level : level >= LogLevel.Information ? LogLevel.Debug : LogLevel.None;
}
