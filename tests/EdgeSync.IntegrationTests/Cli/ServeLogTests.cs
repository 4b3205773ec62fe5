using System.Text.Json;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class ServeLogTests
{
    [Test]
    public void Text_is_time_level_message_and_pairs()
    {
        var (log, lines) = Open(LogStyle.Text);

        log.With(("agent", "ship 7")).Write("synced", ("target", "nats"), ("nothing", null), ("because", ""));

        Assert.Matches("^[0-9]{4}-[0-9-]+T[0-9:.]+Z INFO synced target=nats agent=\"ship 7\"\n$", lines.ToString());
    }

    [Test]
    public void Under_journald_there_is_a_priority_and_no_time()
    {
        var (log, lines) = Open(LogStyle.Journal);

        log.Write(LogLevel.Error, "disk full");

        Assert.Equal("<3>disk full\n", lines.ToString());
    }

    [Test]
    public void Json_is_one_object_a_line()
    {
        var (log, lines) = Open(LogStyle.Json);

        log.With(("agent", "a")).Write(LogLevel.Warning, "sync failed", ("because", "line 1\nline 2 \"x\""));

        using var entry = JsonDocument.Parse(lines.ToString());
        Assert.Equal("warning", entry.RootElement.GetProperty("level").GetString());
        Assert.Equal("line 1\nline 2 \"x\"", entry.RootElement.GetProperty("because").GetString());
        Assert.Equal("a", entry.RootElement.GetProperty("agent").GetString());
        Assert.Single(lines.ToString().TrimEnd('\n').Split('\n'));
    }

    [Test]
    public void A_number_is_a_number_in_json_and_what_a_request_did_is_pairs()
    {
        var (log, lines) = Open(LogStyle.Json);

        log.Write(new EdgeSync.Net.Http.XferHttpLogEntry(
            "POST", "/", 200, 10, 20, TimeSpan.FromMilliseconds(1.26), System.Net.IPAddress.Loopback, "clone user:nobody sent:302 error:not authorized: no", null));

        using var entry = JsonDocument.Parse(lines.ToString());
        Assert.Equal(200, entry.RootElement.GetProperty("status").GetInt32());
        Assert.Equal(1.3, entry.RootElement.GetProperty("ms").GetDouble());
        Assert.Equal(302, entry.RootElement.GetProperty("sent").GetInt32());
        Assert.Equal("clone", entry.RootElement.GetProperty("did").GetString());
        Assert.Equal("nobody", entry.RootElement.GetProperty("user").GetString());
        Assert.Equal("not authorized: no", entry.RootElement.GetProperty("error").GetString());
    }

    [Test]
    public void What_a_peer_sends_cannot_look_like_another_line()
    {
        var (log, lines) = Open(LogStyle.Text);

        log.Write("request", ("path", "/x\n2030-01-01T00:00:00Z ERROR owned by=me"));

        Assert.Single(lines.ToString().TrimEnd('\n').Split('\n'));
        Assert.Contains("\\x0a", lines.ToString(), StringComparison.Ordinal);
    }

    [Test]
    public void The_same_warning_is_written_once_a_minute_with_its_count()
    {
        var fold = new LogFold();
        var start = Instant.FromUnixSeconds(1_000_000);

        Assert.True(fold.ShouldWrite(start, "unreachable", out _));
        for (var i = 1; i <= 5; i++) Assert.False(fold.ShouldWrite(start + TimeSpan.FromSeconds(i), "unreachable", out _));
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
    internal void The_style_follows_where_the_lines_go(LogFormat format, bool isTerminal, bool isJournal, LogStyle style)
    {
        var settings = LogSettings.From(new LogSection { Format = format }, name => isJournal && name == "JOURNAL_STREAM" ? "8:1" : null, isTerminal);

        Assert.Equal(style, settings.Style);
    }

    [Test]
    public void Below_the_level_nothing_is_written()
    {
        var (log, lines) = Open(LogStyle.Text);

        log.Write(LogLevel.Debug, "detail");

        Assert.Empty(lines.ToString());
    }

    private static (ServeLog Log, StringWriter Lines) Open(LogStyle style)
    {
        var lines = new StringWriter { NewLine = "\n" };
        return (new ServeLog(lines, TimeProvider.System, new LogSettings(style, LogLevel.Info)), lines);
    }
}
