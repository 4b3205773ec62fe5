using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>A time on the command line.</summary>
internal static class DateOption
{
    /// <summary>UTC unless it names a zone; null for none.</summary>
    /// <exception cref="EdgeSyncException">The text is not a time.</exception>
    public static Instant? Read(string? text)
    {
        if (text is null) return null;

        return DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? Instant.FromDateTime(date)
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"invalid time '{text}'", "an ISO 8601 time, such as 2024-01-31T12:00:00Z");
    }
}
