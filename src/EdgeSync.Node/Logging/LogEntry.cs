using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Logging;

/// <summary>One event of a log with its fields.</summary>
/// <param name="Event">Its stable name, such as <c>nats.disconnected</c>.</param>
/// <param name="Message">The sentence, without values.</param>
/// <param name="Fields">Texts, numbers and booleans, by snake_case names.</param>
/// <param name="Trace">The current span, if any.</param>
internal sealed record LogEntry(
    DateTimeOffset Time, LogLevel Level, string Event, string Message, IReadOnlyList<KeyValuePair<string,
    object?>> Fields, ActivityContext? Trace)
{
    // Fields that differ between two occurrences of the same fault.
    private static readonly string[] Changing = ["ms", "bytes_in", "bytes_out", "retry_in"];

    /// <summary>Equal for two occurrences of the same fault.</summary>
    public string Kind =>
        string.Join('\0', Fields.Where(f => !Changing.Contains(f.Key)).Select(f => TextOf(f.Value)).Prepend(Event));

    public static string TextOf(object? value) => value switch
    {
        double number => number.ToString("0.0", CultureInfo.InvariantCulture),
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
