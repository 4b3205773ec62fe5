using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A day with one repository: each command in prose and as JSON.</summary>
public sealed class RepositoryTests
{
    [Test]
    [Property("Arm64", "yes")]
    public void Check_in_list_read_and_check_out()
    {
        using var edgesync = New();
        edgesync.Write("tree/README.md", "hello\n");
        edgesync.Write("tree/src/run.sh", "#!/bin/sh\n");
        File.SetUnixFileMode(
            edgesync["tree/src/run.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.Matches(
            @"^checkin [0-9a-f]{64}\n$", edgesync.Ok("repo", "ci", "-m", "one", "-C", "tree", "README.md", "src"));
        edgesync.Write("tree/README.md", "hello again\n");
        var second = edgesync.Json("repo", "ci", "-m", "two", "-C", "tree", "README.md").GetProperty("hash")
            .GetString()!;

        Assert.Equal("README.md\nsrc/run.sh\n", edgesync.Ok("repo", "ls"));
        Assert.Matches(
            @"^[0-9a-f]{10}  -  README.md\n[0-9a-f]{10}  x  src/run.sh\n$", edgesync.Ok("repo", "ls", "--long"));
        Assert.Equal("x", edgesync.Json("repo", "ls").GetProperty("files")[1].GetProperty("perm").GetString());
        Assert.Equal("hello again\n", edgesync.Ok("repo", "cat", "README.md", "-r", "tip"));
        Assert.Contains(
            "README.md", edgesync.Json("repo", "cat", "tip").GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal($"uuid: {second}", edgesync.Ok("repo", "resolve", second[..8]).Split('\n')[1]);
        Assert.Equal(second, edgesync.Json("repo", "resolve", "trunk").GetProperty("uuid").GetString());

        Assert.EndsWith("checked out 2 files\n", edgesync.Ok("repo", "co", "-d", "out"));
        Assert.Equal("hello again\n", File.ReadAllText(edgesync["out/README.md"]));
        Assert.NotEqual(default, File.GetUnixFileMode(edgesync["out/src/run.sh"]) & UnixFileMode.UserExecute);
        Assert.Equal(5, edgesync.Try("repo", "co", "-d", "out").ExitCode);
        Assert.Equal(2, edgesync.Json("repo", "co", "-d", "out", "--force").GetProperty("files").GetArrayLength());
        Assert.Equal("src/run.sh\n", edgesync.Ok("repo", "extract", "src/run.sh", "-d", "elsewhere"));

        var lines = edgesync.Ok("repo", "timeline", "-n", "2").Split('\n');
        Assert.Matches(@"^[0-9a-f]{10}  \d{4}-\d\d-\d\d \d\d:\d\d  tester  two$", lines[0]);
        Assert.Equal(
            "one", edgesync.Json("repo", "timeline").GetProperty("entries")[1].GetProperty("comment").GetString());
    }

    [Test]
    public void An_empty_check_in_is_refused()
    {
        using var edgesync = New();
        edgesync.Write("a.txt", "a");
        edgesync.Ok("repo", "ci", "-m", "a", "a.txt");

        Assert.Equal(2, edgesync.Try("repo", "ci", "-m", "nothing").ExitCode);
        Assert.NotEqual(0, edgesync.Try("repo", "ci", "-m", "same", "a.txt").ExitCode);
        Assert.Equal(2, edgesync.Try("repo", "ci", "-m", "outside", "/etc/hostname").ExitCode);
    }

    [Test]
    public void Links_are_not_followed_out_of_the_folder()
    {
        using var edgesync = New();
        edgesync.Write("sub/a.txt", "a");
        edgesync.Ok("repo", "ci", "-m", "a", "sub");
        Directory.CreateDirectory(edgesync["out"]);
        Directory.CreateDirectory(edgesync["victim"]);
        File.CreateSymbolicLink(edgesync["out/sub"], edgesync["victim"]);

        Assert.Equal(5, edgesync.Try("repo", "co", "-d", "out", "--force").ExitCode);
        Assert.Empty(Directory.GetFiles(edgesync["victim"]));
    }

    [Test]
    public void Branches_tags_and_wiki()
    {
        using var edgesync = New();
        edgesync.Write("a.txt", "a");
        edgesync.Ok("repo", "ci", "-m", "a", "a.txt");

        Assert.Matches(@"^tagged [0-9a-f]{10} with v1\n$", edgesync.Ok("repo", "tag", "add", "v1"));
        Assert.Contains("+v1\n", edgesync.Ok("repo", "tag", "ls", "tip"), StringComparison.Ordinal);
        Assert.Contains("v1\n", edgesync.Ok("repo", "tag", "ls"), StringComparison.Ordinal);
        Assert.Equal(
            "untagged",
            edgesync.Json("repo", "tag", "cancel", "v1", "--version", "v1").GetProperty("status").GetString());
        Assert.Equal(3, edgesync.Try("repo", "resolve", "v1").ExitCode);

        Assert.Matches(
            @"^branch side created at [0-9a-f]{10}\n$",
            edgesync.Ok("repo", "branch", "new", "side", "--from", "trunk"));
        Assert.Equal(
            ["side", "trunk"],
            edgesync.Json("repo", "branch", "ls").GetProperty("branches").EnumerateArray().Select(
                b => b.GetProperty("name").GetString()));
        edgesync.Ok("repo", "branch", "close", "side");
        Assert.StartsWith("side ", edgesync.Ok("repo", "branch", "ls", "--closed"));

        edgesync.Write("home.md", "# Home\n");
        edgesync.Ok("repo", "wiki", "create", "Home", "home.md", "--mimetype", "text/x-markdown");
        edgesync.Write("home.md", "# Home, sweet\n");
        Assert.Equal(
            "committed", edgesync.Json("repo", "wiki", "commit", "Home", "home.md").GetProperty("status").GetString());
        Assert.Matches(@"^Home  [0-9a-f]{10}\n$", edgesync.Ok("repo", "wiki", "ls"));
        Assert.Equal("# Home, sweet\n", edgesync.Ok("repo", "wiki", "export", "Home"));
        Assert.Equal(
            "text/x-markdown", edgesync.Json("repo", "wiki", "export", "Home").GetProperty("mimetype").GetString());
    }

    [Test]
    public void Users_and_invitations()
    {
        using var edgesync = New();

        Assert.Matches(
            @"^Created user alice\npassword \(shown once\): [0-9A-Za-z]{16}\n$",
            edgesync.Ok("repo", "user", "add", "alice", "--cap", "oi"));
        Assert.Equal("Updated user alice\n", edgesync.Ok("repo", "user", "update", "alice", "--cap", "o"));
        Assert.Contains(edgesync.Json("repo", "user", "list").GetProperty("users").EnumerateArray(), u =>
            u.GetProperty("login").GetString() == "alice" && u.GetProperty("capabilities").GetString() == "o");
        Assert.Matches(
            "^[0-9A-Za-z]{16}$", edgesync.Json("repo", "user", "passwd", "alice").GetProperty("password").GetString()!);
        Assert.StartsWith(
            "edgesync repo clone --invite ",
            edgesync.Ok("repo", "invite", "bob", "--cap", "o", "--url", "http://h/", "--ttl", "2h"));
        var expiry = edgesync.Json("repo", "invite", "bob", "--cap", "o", "--url", "http://h/", "--ttl", "2h")
            .GetProperty("expires_at").GetString()!;
        Assert.InRange(
            DateTimeOffset.Parse(expiry, System.Globalization.CultureInfo.InvariantCulture) - DateTimeOffset.UtcNow,
            TimeSpan.FromMinutes(118), TimeSpan.FromMinutes(121));
        Assert.Equal("Deleted user alice\n", edgesync.Ok("repo", "user", "rm", "alice"));
        Assert.Equal(2, edgesync.Try("repo", "user", "add", "eve", "--cap", "!").ExitCode);
    }

    [Test]
    public void Unversioned_files()
    {
        using var edgesync = New();
        edgesync.Write("f.bin", "\0\u0001binary");

        Assert.Equal("wrote f.bin\n", edgesync.Ok("repo", "uv", "put", "f.bin", "f.bin"));
        Assert.Equal("\0\u0001binary", edgesync.Ok("repo", "uv", "get", "f.bin"));
        Assert.NotEmpty(edgesync.Json("repo", "uv", "get", "f.bin").GetProperty("base64").GetString()!);
        Assert.Equal("deleted f.bin\n", edgesync.Ok("repo", "uv", "delete", "f.bin"));
        Assert.Contains("[deleted]", edgesync.Ok("repo", "uv", "ls"), StringComparison.Ordinal);
        (edgesync.Start("repo", "uv", "put", "p", "-") with { Input = "from a pipe"u8.ToArray() }).Run().MustSucceed();
        Assert.Equal("from a pipe", edgesync.Ok("repo", "uv", "get", "p"));
    }

    [Test]
    public void Settings_and_queries()
    {
        using var edgesync = New();

        Assert.Equal(
            "project-name = Our project\n", edgesync.Ok("repo", "config", "set", "project-name", "Our project"));
        Assert.Equal("Our project\n", edgesync.Ok("repo", "config", "get", "project-name"));
        Assert.Contains(
            edgesync.Json("repo", "config", "ls").GetProperty("settings").EnumerateArray(),
            s => s.GetProperty("name").GetString() == "project-code");
        Assert.Equal("n|x\n1|a\n", edgesync.Ok("repo", "query", "SELECT 1 AS n, 'a' AS x"));
        Assert.Equal(
            JsonValueKind.Null, edgesync.Json("repo", "query", "SELECT NULL").GetProperty("rows")[0][0].ValueKind);
        Assert.Equal(
            "1 rows affected\n",
            edgesync.Ok("repo", "query", "--write", "UPDATE config SET value='x' WHERE name='project-name'"));
        Assert.Contains(
            "x", edgesync.Json("repo", "info").GetProperty("project_name").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("repository:", edgesync.Ok("repo", "info"));
    }

    [Test]
    public void Verify_rebuild_backup_shun_and_purge()
    {
        using var edgesync = New();
        edgesync.Write("secret.txt", "a password\n");
        edgesync.Write("b.txt", "b\n");
        edgesync.Ok("repo", "ci", "-m", "both", "secret.txt", "b.txt");
        var hash = edgesync.Json("repo", "ls").GetProperty("files")[1].GetProperty("hash").GetString()!;

        Assert.StartsWith("repository integrity verified", edgesync.Ok("repo", "verify"));
        Assert.Equal("verified", edgesync.Json("repo", "verify").GetProperty("status").GetString());
        Assert.Equal("rebuilt", edgesync.Json("repo", "rebuild").GetProperty("status").GetString());
        Assert.StartsWith("rebuilt ", edgesync.Ok("repo", "rebuild", "--vacuum", "--compress", "--cluster"));
        Assert.StartsWith("copied ", edgesync.Ok("repo", "backup", "copy.db"));
        Assert.Equal(5, edgesync.Try("repo", "backup", "copy.db").ExitCode);
        Assert.Equal("verified", edgesync.Json("repo", "verify", "-R", "copy.db").GetProperty("status").GetString());

        Assert.Equal($"shunned {hash}\n", edgesync.Ok("repo", "shun", hash));
        Assert.Equal(
            "already_shunned",
            edgesync.Json("repo", "shun", hash).GetProperty("artifacts")[0].GetProperty("status").GetString());
        Assert.Equal("would_purge", edgesync.Json("repo", "purge", "--dry-run").GetProperty("status").GetString());
        Assert.Equal("purged", edgesync.Json("repo", "purge").GetProperty("status").GetString());
        Assert.Equal(3, edgesync.Try("repo", "cat", hash).ExitCode);
        Assert.Equal("already_purged", edgesync.Json("repo", "purge").GetProperty("status").GetString());
        Assert.Equal($"unshunned {hash}\n", edgesync.Ok("repo", "unshun", hash));
        Assert.Empty(edgesync.Json("repo", "shun").GetProperty("shunned").EnumerateArray());
    }

    [Test]
    public void Damage_is_found_with_its_kind_and_exit_code()
    {
        using var edgesync = New();
        edgesync.Write("a.txt", "some content that is long enough\n");
        edgesync.Ok("repo", "ci", "-m", "a", "a.txt");
        edgesync.Ok(
            "repo", "query", "--write",
            "UPDATE blob SET content=x'00000005789c0300', size=5 WHERE rid=(SELECT max(rid)-1 FROM blob)");

        var outcome = edgesync.Try("repo", "verify", "--json");

        Assert.Equal(8, outcome.ExitCode);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.Equal("damaged", document.RootElement.GetProperty("status").GetString());
        Assert.NotEmpty(document.RootElement.GetProperty("issues")[0].GetProperty("kind").GetString()!);
    }

    [Test]
    public void Hashes_and_deltas()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Write("old", string.Concat(Enumerable.Range(0, 200).Select(i => $"line {i}\n")));
        edgesync.Write("new", string.Concat(Enumerable.Range(3, 200).Select(i => $"line {i}\n")));

        Assert.Matches("^[0-9a-f]{40}  old\n$", edgesync.Ok("repo", "hash", "old"));
        Assert.Equal(
            64,
            edgesync.Json(
                "repo", "hash", "--sha3", "old").GetProperty("files")[0].GetProperty("hash").GetString()!.Length);
        edgesync.Ok("repo", "delta", "create", "old", "new", "-o", "d");
        Assert.Equal(File.ReadAllText(edgesync["new"]), edgesync.Ok("repo", "delta", "apply", "old", "d"));
        Assert.Equal(8, edgesync.Try("repo", "delta", "apply", "new", "d").ExitCode);
        Assert.Equal(
            "again",
            edgesync.Json("repo", "delta", "apply", "old", "d", "-o", "again").GetProperty("output").GetString());
    }

    [Test]
    public void The_repository_is_found_from_a_folder_below()
    {
        using var edgesync = New();
        Directory.CreateDirectory(edgesync["a/b"]);

        var info = edgesync.RunIn(edgesync["a/b"], "repo", "info", "--json").Json();

        Assert.EndsWith("project.fossil", info.GetProperty("repository").GetString());
    }

    [Test]
    public void A_broken_pipe_is_not_an_error()
    {
        using var edgesync = New();

        var shell = edgesync.StartAs(
            "sh", "-c",
            $"'{EdgeSyncProgram.Program}' repo query "
                + "'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 200000) SELECT * FROM n' "
                + "| head -1").Run();

        Assert.Equal("i\n", shell.Output);
        Assert.Empty(shell.Errors);
    }

    private static EdgeSyncProgram New()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "project.fossil");
        return edgesync;
    }
}
