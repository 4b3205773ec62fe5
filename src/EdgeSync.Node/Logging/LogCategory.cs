using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Logging;

/// <summary>The source of a log line: this program, with named events, or a library, whose lines are one
/// event.</summary>
/// <param name="Name">The logger's category.</param>
/// <param name="Event">Null: each line has its own event name.</param>
/// <param name="Sentence">Of a library's lines, whose text becomes a field.</param>
/// <param name="LevelKept">From this level on, a line keeps its level; lower levels, from Information on, become
/// Debug.</param>
internal sealed record LogCategory(string Name, string? Event, string? Sentence, LogLevel LevelKept)
{
    public static LogCategory Of(string name) => name switch
    {
        NodeLog.Category => new(name, null, null, LogLevel.Trace),
        // nats.unreachable and nats.disconnected report its warnings, with a hint.
        _ when name.StartsWith("NATS.", StringComparison.Ordinal) =>
            new(name, "nats.client", "NATS client", LogLevel.None),
        _ when name.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal) =>
            new(name, "http.server", "HTTP server", LogLevel.Warning),
        _ => new(name, "library", "Library", LogLevel.Warning),
    };

    /// <summary>The level at which a line of this level is written; <see cref="LogLevel.None"/>: it is not.</summary>
    public LogLevel LevelOf(LogLevel level) =>
        level >= LevelKept ? level : level >= LogLevel.Information ? LogLevel.Debug : LogLevel.None;
}
