using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>What <c>repo ci</c> takes from a folder; <c>--watch</c> uses the same scan.</summary>
public sealed class FolderCheckinTests
{
    [Test]
    public void A_named_pipe_is_skipped_and_named()   // R3
    {
        using var edgesync = New();
        edgesync.Write("w/a.txt", "a\n");
        Shell(edgesync, "mkfifo w/pipe");

        var outcome = edgesync.Try("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".", "--json");

        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(["a.txt"], Files(edgesync));
        Assert.Contains("pipe is a named pipe", outcome.Errors, StringComparison.Ordinal);
        var skipped = JsonDocument.Parse(outcome.Output).RootElement.GetProperty("skipped");
        Assert.Equal("pipe", Assert.Single(skipped.EnumerateArray()).GetProperty("name").GetString());
    }

    [Test]
    public void A_named_pipe_that_is_named_is_an_error()   // R3
    {
        using var edgesync = New();
        Shell(edgesync, "mkfifo pipe");

        var outcome = edgesync.Try("repo", "ci", "-R", "p.fossil", "-m", "m", "pipe");

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("is a named pipe", outcome.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_link_to_a_folder_is_a_link()   // R4
    {
        using var edgesync = New();
        edgesync.Write("w/d/a.txt", "a\n");
        edgesync.Write("outside/secret.txt", "s\n");
        Directory.CreateSymbolicLink(edgesync["w/loop"], ".");
        Directory.CreateSymbolicLink(edgesync["w/o"], edgesync["outside"]);

        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".");

        Assert.Equal(["d/a.txt", "loop", "o"], Files(edgesync));
        Assert.Equal(edgesync["outside"], edgesync.Ok("repo", "cat", "-R", "p.fossil", "o", "-r", "tip"));
        var behind = edgesync.Try("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", "o/secret.txt");
        Assert.Equal(2, behind.ExitCode);
        Assert.Contains("lies behind the link o", behind.Errors, StringComparison.Ordinal);
    }

    [Test]   // S15, A2
    [Arguments("p.fossil")]
    [Arguments("p.fossil-wal")]
    [Arguments("p.fossil-spool-1a2b")]
    [Arguments(".git/x")]
    [Arguments("d/.fslckout")]
    [Arguments("d/_FOSSIL_-journal")]
    [Arguments("hard.bin")]
    public void What_belongs_to_repositories_and_checkouts_is_left_out_and_refused(string name)
    {
        using var edgesync = New();
        edgesync.Write("a.txt", "a\n");
        if (name == "hard.bin") Shell(edgesync, "ln p.fossil hard.bin");
        else if (name != "p.fossil") edgesync.Write(name, "x\n");

        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", ".");
        var named = edgesync.Try("repo", "ci", "-R", "p.fossil", "-m", "m", name);

        Assert.Equal(["a.txt"], Files(edgesync));
        Assert.Equal(2, named.ExitCode);
        Assert.Contains("is not for check-ins", named.Errors, StringComparison.Ordinal);
        Assert.Equal(["a.txt"], Files(edgesync));
    }

    [Test]
    public void The_repository_is_recognized_by_any_path()   // S15
    {
        using var edgesync = New();
        edgesync.Write("real/a.txt", "a\n");
        File.Move(edgesync["p.fossil"], edgesync["real/p.fossil"]);
        Directory.CreateSymbolicLink(edgesync["way"], "real");

        edgesync.Ok("repo", "ci", "-R", "way/p.fossil", "-m", "m", "-C", "real", ".");
        edgesync.Write("real/b.txt", "b\n");
        edgesync.Ok("repo", "ci", "-R", "real/p.fossil", "-m", "m", "-C", "way", ".");

        Assert.Equal(["a.txt", "b.txt"], Files(edgesync, "real/p.fossil"));
    }

    [Test]
    public void What_stock_does_not_add_by_itself_is_not_added()   // S15
    {
        using var edgesync = New();
        edgesync.Write("w/a.o", "o\n");
        edgesync.Write("w/a.txt", "a\n");
        edgesync.Write("w/.hidden", "h\n");
        edgesync.Write("w/sub/.dot/b", "b\n");
        edgesync.Write("w/.fossil-settings/ignore-glob", "*.o\n");
        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".");
        Assert.Equal(["a.txt"], Files(edgesync));

        // What is named for itself is meant, and what is tracked is followed.
        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".hidden", "a.o");
        edgesync.Write("w/a.o", "new\n");
        edgesync.Write("w/.hidden", "new\n");
        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".");
        Assert.Equal("new\n", edgesync.Ok("repo", "cat", "-R", "p.fossil", "a.o", "-r", "tip"));
        Assert.Equal("new\n", edgesync.Ok("repo", "cat", "-R", "p.fossil", ".hidden", "-r", "tip"));

        edgesync.Ok("repo", "config", "set", "dotfiles", "1", "-R", "p.fossil");
        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".");
        Assert.Equal([".fossil-settings/ignore-glob", ".hidden", "a.o", "a.txt", "sub/.dot/b"], Files(edgesync));
    }

    [Test]
    public void What_cannot_be_read_is_left_out_and_the_rest_committed()   // R9
    {
        Skip.Unless(Unreadable.IsPossible, "needs setpriv to read as nobody");
        using var edgesync = New();
        edgesync.Write("w/a.txt", "1\n");
        edgesync.Write("w/b.txt", "1\n");
        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".");
        edgesync.Write("w/a.txt", "2\n");
        edgesync.Write("w/b.txt", "2\n");
        File.SetUnixFileMode(edgesync["w/a.txt"], UnixFileMode.None);

        var outcome = Unreadable.Start(edgesync, "repo", "ci", "-R", "p.fossil", "-m", "m", "-C", "w", ".").Run();

        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains("a.txt cannot be read", outcome.Errors, StringComparison.Ordinal);
        Assert.Equal("1\n", edgesync.Ok("repo", "cat", "-R", "p.fossil", "a.txt", "-r", "tip"));
        Assert.Equal("2\n", edgesync.Ok("repo", "cat", "-R", "p.fossil", "b.txt", "-r", "tip"));
    }

    [Test]
    public void An_empty_name_is_not_the_whole_folder()   // A2
    {
        using var edgesync = New();
        edgesync.Write("a.txt", "a\n");

        Assert.Equal(2, edgesync.Try("repo", "ci", "-R", "p.fossil", "-m", "m", "").ExitCode);
    }

    [Test]
    public async Task Six_at_once_follow_one_another()   // R6
    {
        using var edgesync = New();
        for (var i = 0; i < 6; i++) edgesync.Write($"{i}.txt", "x\n");
        var before = edgesync.Ok("repo", "query", "-R", "p.fossil", "SELECT count(*) FROM plink");

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 6).Select(i =>
            Task.Run(() => edgesync.Try("repo", "ci", "-R", "p.fossil", "-m", $"{i}", $"{i}.txt"))));

        Assert.All(outcomes, outcome => Assert.True(outcome.ExitCode == 0, outcome.Errors));
        Assert.Equal(["0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "5.txt"], Files(edgesync));
        Assert.Equal("1", Number(edgesync, "SELECT count(*) FROM leaf"));
        Assert.Equal("1", Number(edgesync, "SELECT max(n) FROM (SELECT count(*) AS n FROM plink GROUP BY pid)"));
        Assert.NotEqual(before, edgesync.Ok("repo", "query", "-R", "p.fossil", "SELECT count(*) FROM plink"));
    }

    [Test]
    public void A_named_parent_that_was_followed_is_a_fork()   // R6
    {
        using var edgesync = New();
        edgesync.Write("a.txt", "a\n");
        var parent = edgesync.Json("repo", "resolve", "tip", "-R", "p.fossil").GetProperty("uuid").GetString()!;
        edgesync.Ok("repo", "ci", "-R", "p.fossil", "-m", "m", "a.txt");
        edgesync.Write("a.txt", "b\n");

        Assert.Equal(5, edgesync.Try("repo", "ci", "-R", "p.fossil", "-m", "m", "--parent", parent, "a.txt").ExitCode);
    }

    private static EdgeSyncProgram New()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "p.fossil");
        return edgesync;
    }

    private static string[] Files(EdgeSyncProgram edgesync, string repository = "p.fossil") =>
        [
            .. edgesync.Json("repo", "ls", "-R", repository).GetProperty("files").EnumerateArray().Select(
                f => f.GetProperty("name").GetString()!)];

    private static string Number(EdgeSyncProgram edgesync, string sql) =>
        edgesync.Ok("repo", "query", "-R", "p.fossil", sql)
        .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];

    internal static void Shell(EdgeSyncProgram edgesync, string script)
    {
        edgesync.StartAs("/bin/sh", "-c", script).Run().MustSucceed();
    }
}

/// <summary>
/// Runs the program without the capabilities that override file modes: tests mostly run as root, which reads all files.
/// </summary>
internal static class Unreadable
{
    private static readonly string[] Drop = ["--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"];

    public static bool IsPossible => Environment.UserName != "root" || File.Exists("/usr/bin/setpriv");

    public static ProgramStart Start(EdgeSyncProgram edgesync, params ReadOnlySpan<string> arguments) =>
        Environment.UserName == "root"
            ? edgesync.StartAs("/usr/bin/setpriv", [.. Drop, EdgeSyncProgram.Program, .. arguments])
            : edgesync.Start(arguments);
}
