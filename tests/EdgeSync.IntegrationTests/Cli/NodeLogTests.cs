using System.Text.Json;
using EdgeSync.Nats;
using EdgeSync.Net.Http;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class NodeLogTests
{
    [Test]
    public void Text_is_time_level_sentence_and_fields()
    {
        var (log, lines) = Open(LogStyle.Text, agent: "ship 7");

        log.JoinRefused("pi", "", "too old");

        Assert.Matches("^[0-9]{4}-[0-9-]+T[0-9:.]+Z WARNING A machine was refused machine=pi error=\"too old\" "
            + "agent=\"ship 7\"\n$", lines.ToString());
    }

    [Test]
    public void Under_journald_there_is_a_priority_and_no_time()
    {
        var (log, lines) = Open(LogStyle.Journal);

        log.TaskFailed("disk full", null);

        Assert.Equal("<3>A background task failed error=\"disk full\"\n", lines.ToString());
    }

    [Test]
    public void Json_is_one_object_a_line_with_the_name_of_the_event()
    {
        var (log, lines) = Open(LogStyle.Json, agent: "a");

        log.JoinRefused("pi", "::1", "line 1\nline 2 \"x\"");

        using var entry = JsonDocument.Parse(lines.ToString());
        Assert.Equal("warning", entry.RootElement.GetProperty("level").GetString());
        Assert.Equal("join.refused", entry.RootElement.GetProperty("event").GetString());
        Assert.Equal("A machine was refused", entry.RootElement.GetProperty("message").GetString());
        Assert.Equal("line 1\nline 2 \"x\"", entry.RootElement.GetProperty("error").GetString());
        Assert.Equal("a", entry.RootElement.GetProperty("agent").GetString());
        Assert.Single(lines.ToString().TrimEnd('\n').Split('\n'));
    }

    [Test]
    public void A_number_is_a_number_in_json_and_names_are_snake_case()
    {
        var (log, lines) = Open(LogStyle.Json);

        log.HttpRequest(new XferHttpLogEntry(
            "POST", "/", 200, 10, 20, TimeSpan.FromMilliseconds(1.26), System.Net.IPAddress.Loopback,
            new XferNote("clone", "nobody", 302, 0, null, "not authorized: no"), null));

        using var entry = JsonDocument.Parse(lines.ToString());
        Assert.Equal(200, entry.RootElement.GetProperty("status").GetInt32());
        Assert.Equal(10, entry.RootElement.GetProperty("bytes_in").GetInt32());
        Assert.Equal(1.3, entry.RootElement.GetProperty("ms").GetDouble());
        Assert.Equal(302, entry.RootElement.GetProperty("sent").GetInt32());
        Assert.Equal("clone", entry.RootElement.GetProperty("operation").GetString());
        Assert.Equal("nobody", entry.RootElement.GetProperty("user").GetString());
        Assert.Equal("not authorized: no", entry.RootElement.GetProperty("error").GetString());
        Assert.False(entry.RootElement.TryGetProperty("unversioned", out _));
        Assert.False(entry.RootElement.TryGetProperty("fault", out _));
    }

    [Test]
    public void Text_of_a_peer_cannot_forge_a_log_line()
    {
        var (log, lines) = Open(LogStyle.Text);

        log.JoinRefused("x\n2030-01-01T00:00:00Z ERROR owned by=me", "::1", "no");

        Assert.Single(lines.ToString().TrimEnd('\n').Split('\n'));
        Assert.Contains("\\x0a", lines.ToString(), StringComparison.Ordinal);
    }

    [Test]
    public void A_repeated_warning_is_one_line_also_when_its_next_try_differs()
    {
        var (log, lines) = Open(LogStyle.Text);

        for (var seconds = 1; seconds <= 3; seconds++)
            log.NatsUnreachable(LogLevel.Warning, "nats://hub", "refused", seconds, null);
        log.NatsUnreachable(LogLevel.Warning, "nats://other", "refused", 1, null);

        Assert.Equal(2, lines.ToString().TrimEnd('\n').Split('\n').Length);
    }

    [Test]
    public void Log_lines_of_the_NATS_library_are_debug_and_without_passwords()
    {
        var (_, quiet, quietLogs) = OpenAll(LogStyle.Json, LogLevel.Information);
        Say(
            quietLogs.CreateLogger("NATS.Client.Core.NatsConnection"), LogLevel.Error,
            "lost nats://bob:s3cret@hub:4222");
        var (_, lines, logs) = OpenAll(LogStyle.Json, LogLevel.Debug);
        Say(logs.CreateLogger("NATS.Client.Core.NatsConnection"), LogLevel.Error, "lost nats://bob:s3cret@hub:4222");

        Assert.Empty(quiet.ToString());
        using var entry = JsonDocument.Parse(lines.ToString());
        Assert.Equal("nats.client", entry.RootElement.GetProperty("event").GetString());
        Assert.Equal("debug", entry.RootElement.GetProperty("level").GetString());
        Assert.DoesNotContain("s3cret", lines.ToString(), StringComparison.Ordinal);
    }

    [Test]
    public void What_the_http_server_warns_of_is_a_warning_and_what_it_informs_of_is_not()
    {
        var (_, lines, logs) = OpenAll(LogStyle.Json, LogLevel.Information);
        var kestrel = logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel");

        Say(kestrel, LogLevel.Information, "listening");
        Say(kestrel, LogLevel.Warning, "a connection broke", new IOException("reset"));

        using var entry = JsonDocument.Parse(lines.ToString());
        Assert.Equal("http.server", entry.RootElement.GetProperty("event").GetString());
        Assert.Equal("a connection broke", entry.RootElement.GetProperty("text").GetString());
        Assert.Equal("IOException: reset", entry.RootElement.GetProperty("error").GetString());
    }

    [Test]
    public void The_same_warning_is_written_once_a_minute_with_its_count()
    {
        var fold = new LogFold();
        var start = Instant.FromUnixSeconds(1_000_000);

        Assert.True(fold.ShouldWrite(start, "unreachable", out _));
        for (var i = 1; i <= 5; i++)
            Assert.False(fold.ShouldWrite(start + TimeSpan.FromSeconds(i), "unreachable", out _));
        Assert.True(fold.ShouldWrite(start + TimeSpan.FromSeconds(6), "something else", out _));
        Assert.True(fold.ShouldWrite(start + LogFold.Window, "unreachable", out var folded));

        Assert.Equal(5, folded);
    }

    [Test]
    public void A_clock_that_steps_back_silences_nothing()
    {
        var fold = new LogFold();
        Assert.True(fold.ShouldWrite(Instant.FromUnixSeconds(1_000_000), "x", out _));

        Assert.True(fold.ShouldWrite(Instant.FromUnixSeconds(1), "x", out _));
    }

    [Test]
    [Arguments(LogFormat.Auto, true, false, LogStyle.Text)]
    [Arguments(LogFormat.Auto, false, false, LogStyle.Json)]
    [Arguments(LogFormat.Auto, false, true, LogStyle.Journal)]
    [Arguments(LogFormat.Json, true, false, LogStyle.Json)]
    [Arguments(LogFormat.Json, false, true, LogStyle.Json)]
    [Arguments(LogFormat.Text, false, false, LogStyle.Text)]
    internal void The_style_follows_where_the_lines_go(
        LogFormat format, bool isTerminal, bool isJournal, LogStyle style)
    {
        var settings = LogSettings.From(
            new LogSection { Format = format }, name => isJournal
            && name == "JOURNAL_STREAM" ? "8:1" : null, isTerminal);

        Assert.Equal(style, settings.Style);
    }

    [Test]
    public void Below_the_level_nothing_is_written_nor_allocated()
    {
        var (log, lines) = Open(LogStyle.Text);
        log.NatsPublishFailed("a.b", NatsOutcome.NoResponders);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) log.NatsPublishFailed("a.b", NatsOutcome.NoResponders);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Empty(lines.ToString());
    }

    [Test]
    public void The_level_changes_while_it_runs()
    {
        var (log, lines, logs) = OpenAll(LogStyle.Text, LogLevel.Information);

        logs.Change(new LogSettings(LogStyle.Text, LogLevel.Debug));
        log.NatsPublishFailed("a.b", NatsOutcome.NoResponders);

        Assert.Contains("DEBUG", lines.ToString(), StringComparison.Ordinal);
    }

    // As a library does.
    private static void Say(ILogger log, LogLevel level, string text, Exception? exception = null) =>
        log.Log(level, default, text, exception, static (text, _) => text);

    private static (ILogger Log, StringWriter Lines) Open(LogStyle style, string? agent = null)
    {
        var (log, lines, _) = OpenAll(style, LogLevel.Information, agent);
        return (log, lines);
    }

    private static (ILogger Log, StringWriter Lines, NodeLog Logs) OpenAll(
        LogStyle style, LogLevel level, string? agent = null)
    {
        var lines = new StringWriter { NewLine = "\n" };
        var logs = new NodeLog(lines, TimeProvider.System, new LogSettings(style, level), agent);
        return (logs.CreateLogger(), lines, logs);
    }
}
