using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

public sealed class ExitCodeTests
{
    [Test]
    [Arguments(2, "usage", "repo", "nonsense")]
    [Arguments(2, "usage", "repo", "hash")]
    [Arguments(2, "usage", "repo", "timeline", "--type", "x")]
    [Arguments(2, "usage", "repo", "clone", "not-a-url", "x.fossil")]
    [Arguments(2, "usage", "leaf")]
    [Arguments(2, "usage", "bridge")]
    [Arguments(3, "not_found", "repo", "info", "-R", "missing.fossil")]
    [Arguments(3, "not_found", "repo", "resolve", "nothing-like-it", "-R", "a.fossil")]
    [Arguments(3, "not_found", "repo", "user", "rm", "nobody-knows", "-R", "a.fossil")]
    [Arguments(3, "not_found", "repo", "uv", "get", "missing", "-R", "a.fossil")]
    [Arguments(5, "conflict", "repo", "new", "a.fossil")]
    [Arguments(5, "conflict", "repo", "clone", "http://127.0.0.1:1/", "a.fossil")]
    [Arguments(6, "denied", "repo", "query", "DELETE FROM config", "-R", "a.fossil")]
    [Arguments(6, "denied", "repo", "config", "set", "project-code", "1", "-R", "a.fossil")]
    [Arguments(7, "unavailable", "repo", "clone", "http://127.0.0.1:1/", "b.fossil")]
    public void Each_kind_of_failure_has_its_exit_code_and_message(int code, string kind, params string[] arguments)
    {
        using var edgesync = new EdgeSyncProgram();
        if (arguments.Contains("a.fossil")) edgesync.Ok("repo", "new", "a.fossil");

        var prose = edgesync.Try(arguments);
        var json = edgesync.Try([.. arguments, "--json"]);

        Assert.True(code == prose.ExitCode, $"{prose.ExitCode}: {prose.Errors}");
        Assert.StartsWith("edgesync: ", prose.Errors);
        Assert.Empty(prose.Output);
        Assert.Equal(code, json.ExitCode);
        using var document = JsonDocument.Parse(json.Output);
        Assert.Equal(kind, document.RootElement.GetProperty("error").GetProperty("kind").GetString());
    }

    [Test]
    public void Lists_the_candidates_of_an_ambiguous_choice()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        edgesync.Ok("repo", "new", "b.fossil");

        var outcome = edgesync.Try("repo", "info", "--json");

        Assert.Equal(4, outcome.ExitCode);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.Equal(2, document.RootElement.GetProperty("error").GetProperty("candidates").GetArrayLength());
    }

    [Test]
    public void Several_daemons_are_listed_by_process_role_name_and_repository()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        edgesync.Ok("repo", "new", "b.fossil");
        using var first = new RunningLeaf(edgesync, "a.fossil");
        using var second = new RunningLeaf(edgesync, "b.fossil");

        var outcome = edgesync.Try("sync", "now");

        Assert.Equal(4, outcome.ExitCode);
        Assert.Matches(@"(?m)^  \d+  leaf  \S+  .*a\.fossil$", outcome.Errors);
        Assert.Matches(@"(?m)^  \d+  leaf  \S+  .*b\.fossil$", outcome.Errors);
    }

    [Test]
    public void A_wrong_password_leaves_no_file_and_the_error_names_the_login()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil", "--user", "alice");
        using var leaf = new RunningLeaf(edgesync, "a.fossil");

        var outcome = edgesync.Try("repo", "clone", leaf.Url, "b.fossil", "--user", "alice", "--pass", "wrong");

        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains("refuses the login of alice", outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("kept", outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(edgesync.Folder), f => Path.GetFileName(f).StartsWith('b'));
    }

    [Test]
    public void An_invitation_of_a_private_project_clones_and_a_refusal_names_the_capability()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil", "--user", "alice");
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "", "-R", "a.fossil");
        using var leaf = new RunningLeaf(edgesync, "a.fossil");

        var token = edgesync.Json("repo", "invite", "bob", "--cap", "oi", "--url", leaf.Url, "-R", "a.fossil")
            .GetProperty("token").GetString()!;
        edgesync.Ok("repo", "clone", "--invite", token, "b.fossil");
        edgesync.Ok("repo", "user", "update", "bob", "--cap", "o", "-R", "a.fossil");
        var refused = edgesync.Try("repo", "clone", "--invite", token, "c.fossil");

        Assert.Equal(6, refused.ExitCode);
        Assert.Contains("user bob lacks capability g (clone)", refused.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_failed_clone_leaves_no_file()
    {
        using var edgesync = new EdgeSyncProgram();

        edgesync.Try("repo", "clone", "http://127.0.0.1:1/", "b.fossil");

        Assert.Empty(Directory.GetFiles(edgesync.Folder));
    }

    [Test]
    public void A_file_that_is_not_a_repository_is_reported()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Write(
            "x.fossil",
            "just some text, long enough to have a header of a hundred bytes or more, so that it is read as one ...");

        var outcome = edgesync.Try("repo", "info");

        Assert.NotEqual(0, outcome.ExitCode);
        Assert.NotEqual(70, outcome.ExitCode);
        Assert.Contains("x.fossil", outcome.Errors, StringComparison.Ordinal);
    }
}
