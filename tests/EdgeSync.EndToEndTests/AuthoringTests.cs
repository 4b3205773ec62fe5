using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Check-ins, branches, tags and pages from the command line.</summary>
public sealed class AuthoringTests : IDisposable
{
    private readonly EdgeSyncProgram _edgesync = new();

    public AuthoringTests()
    {
        _edgesync.Ok("repo", "new", "p.fossil", "--user", "tester");
        _edgesync.Write("a.txt", "one\n");
        _edgesync.Write("src/b.c", "two\n");
        Repo("ci", "-m", "first", "a.txt", "src");
    }

    public void Dispose() => _edgesync.Dispose();

    private string Repo(params string[] arguments) => _edgesync.Ok(["repo", .. arguments, "-R", "p.fossil"]);

    private int Fails(params string[] arguments) => _edgesync.Try(["repo", .. arguments, "-R", "p.fossil"]).ExitCode;

    [Test]
    public void Renames_carry_on_and_nothing_changed_is_refused()
    {
        Repo("ci", "-m", "moved", "--mv", "a.txt=src/a.txt");

        Assert.Equal("src/a.txt\nsrc/b.c\n", Repo("ls"));
        Assert.NotEqual(0, Fails("ci", "-m", "again", "src"));
        Assert.NotEqual(0, Fails("ci", "-m", "no such file", "missing.txt"));
        Assert.NotEqual(0, Fails("ci", "-m", "not a rename", "--mv", "src"));
    }

    [Test]
    public void A_branch_is_started_closed_reopened_hidden_and_integrated()
    {
        _edgesync.Write("side.txt", "side\n");

        Assert.StartsWith(
            "branch side created at ", Repo("branch", "new", "side", "--from", "trunk"), StringComparison.Ordinal);
        Repo("ci", "-m", "on side", "--branch", "side", "side.txt");
        Assert.Equal("a.txt\nsrc/b.c\n", Repo("ls", "trunk"));
        Repo("branch", "close", "side");
        Assert.Contains("side", Repo("branch", "ls", "--closed"), StringComparison.Ordinal);
        Assert.StartsWith("branch side already closed at ", Repo("branch", "close", "side"), StringComparison.Ordinal);
        Repo("branch", "reopen", "side");
        Repo("branch", "hide", "side");
        Repo("branch", "unhide", "side");
        Assert.StartsWith("branch side already shown at ", Repo("branch", "unhide", "side"), StringComparison.Ordinal);

        Repo("ci", "-m", "both", "--integrate", "side", "side.txt");
        Assert.Equal("a.txt\nside.txt\nsrc/b.c\n", Repo("ls", "trunk"));
        Assert.Contains("side", Repo("branch", "ls", "--closed"), StringComparison.Ordinal);
    }

    [Test]
    public void An_amendment_shows_and_is_made_once()
    {
        var made = _edgesync.Json("repo", "amend", "tip", "-m", "better words", "--tag", "v1", "-R", "p.fossil");
        var again = _edgesync.Json("repo", "amend", "tip", "-m", "better words", "-R", "p.fossil");

        Assert.Equal("amended", made.GetProperty("status").GetString());
        Assert.Equal("already_so", again.GetProperty("status").GetString());
        Assert.Contains("better words", Repo("timeline", "-n", "1"), StringComparison.Ordinal);
        Assert.Equal(Repo("resolve", "tip"), Repo("resolve", "v1"));
    }

    [Test]
    public void A_tag_can_be_added_and_cancelled()
    {
        Repo("tag", "add", "v1");
        Assert.Contains("+v1\n", Repo("tag", "ls", "tip"), StringComparison.Ordinal);
        Repo("tag", "cancel", "v1", "--version", "v1");
        Assert.DoesNotContain("+v1\n", Repo("tag", "ls", "tip"), StringComparison.Ordinal);
        Assert.NotEqual(0, Fails("tag", "add", "wiki-Home"));
    }

    [Test]
    public void Wiki_pages_are_created_once_and_exported()
    {
        _edgesync.Write("home.md", "# Home\n");

        Repo("wiki", "create", "Home Page", "home.md", "--mimetype", "text/x-markdown");
        Assert.NotEqual(0, Fails("wiki", "create", "Home Page", "home.md"));
        Assert.NotEqual(0, Fails("wiki", "commit", "Other", "home.md"));
        Assert.Equal("# Home\n", Repo("wiki", "export", "Home Page"));
        Assert.StartsWith("Home Page  ", Repo("wiki", "ls"), StringComparison.Ordinal);
    }
}
