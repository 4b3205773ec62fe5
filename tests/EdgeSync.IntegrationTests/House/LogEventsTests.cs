using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using EdgeSync.Node.Logging;
using EdgeSync.Tests.Support;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.IntegrationTests.House;

/// <summary>
/// docs/operations.md lists every event of the log with its level, fields and sentence, and no other.
/// </summary>
public sealed class LogEventsTests
{
    [Test]
    public void The_documented_events_are_those_of_the_code()
    {
        var documented = Regex.Matches(
                File.ReadAllText(Path.Combine(Vectors.RepositoryRoot, "docs", "operations.md")),
                @"^\| `([a-z_]+\.[a-z_]+)` \| ([^|]+) \| `([a-z_ ]*)` \| ([^|]+) \|$", RegexOptions.Multiline)
            .Select(m => $"{m.Groups[1].Value}|{LevelOf(m.Groups[2].Value)}|{m.Groups[3].Value}|{m.Groups[4].Value}");

        Assert.Equal(
            Events().Select(e => e.Line).Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Test]
    public void A_name_is_used_once_and_its_sentence_holds_no_value()
    {
        var events = Events().ToList();

        Assert.Equal(events.Count, events.Select(e => e.Name).Distinct().Count());
        Assert.DoesNotContain(events, e => e.Line.Contains('{'));
    }

    private static IEnumerable<(string Name, string Line)> Events() =>
        from type in typeof(NodeLog).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        let attribute = method.GetCustomAttribute<LoggerMessageAttribute>()
        where attribute is not null
        let fields = method.GetParameters().Where(
            p => p.ParameterType != typeof(ILogger)
            && p.ParameterType != typeof(LogLevel)).Select(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name!))
        let level = method.GetParameters().Any(p => p.ParameterType == typeof(LogLevel))
            ? "varies"
            : LogLine.WordOf(attribute.Level)
        select (attribute.EventName!, $"{attribute.EventName}|{level}|{string.Join(' ', fields)}|{attribute.Message}");

    // One whose level varies lists when it is which.
    private static string LevelOf(string text) => text.Contains(';', StringComparison.Ordinal) ? "varies" : text;
}
