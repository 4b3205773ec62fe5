using System.Text.Json;

namespace EdgeSync.EndToEndTests;

public sealed class FolderWatchTests
{
    private const int Terminate = 15;

    [Fact]
    public async Task What_is_edited_in_the_folder_is_committed_after_a_quiet_time()
    {
        using var edgesync = Watched();
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);

        edgesync.Write("folder/a.txt", "one\n");
        edgesync.Write("folder/sub/run.sh", "#!/bin/sh\n");
        File.SetUnixFileMode(edgesync["folder/sub/run.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(edgesync["folder/link"], "a.txt");
        edgesync.Write("folder/skip.tmp", "never");
        edgesync.Write("folder/.fslckout", "never");
        await leaf.UntilAsync(() => Files(edgesync) is ["a.txt -", "link l", "sub/run.sh x"]);

        File.Delete(edgesync["folder/link"]);
        edgesync.Write("folder/a.txt", "two\n");
        await leaf.UntilAsync(() => Files(edgesync) is ["a.txt -", "sub/run.sh x"] && edgesync.Ok("repo", "cat", "a.txt", "-r", "trunk", "-R", "hub.fossil") == "two\n");

        var status = await leaf.StatusAsync();
        var watch = status.GetProperty("repositories")[0].GetProperty("watch");
        Assert.Equal(edgesync["folder"], watch.GetProperty("folder").GetString());
        Assert.True(watch.GetProperty("commits").GetInt64() >= 2);
        Assert.Equal(0, leaf.Stop(Terminate));
        edgesync.Ok("repo", "verify", "-R", "hub.fossil");
    }

    [Fact]
    public async Task A_change_of_somebody_else_is_not_undone_and_one_on_both_sides_is_said()
    {
        using var edgesync = Watched();
        edgesync.Write("folder/mine.txt", "1\n");
        edgesync.Write("folder/both.txt", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        await leaf.UntilAsync(() => Files(edgesync) is ["both.txt -", "mine.txt -"]);

        edgesync.Write("theirs.txt", "theirs\n");
        edgesync.Write("both.txt", "theirs\n");
        edgesync.Ok("repo", "ci", "-R", "hub.fossil", "-m", "of somebody else", "theirs.txt", "both.txt");
        edgesync.Write("folder/mine.txt", "2\n");
        edgesync.Write("folder/both.txt", "2\n");
        await leaf.UntilAsync(() => edgesync.Ok("repo", "cat", "mine.txt", "-r", "trunk", "-R", "hub.fossil") == "2\n");

        Assert.Equal("theirs\n", edgesync.Ok("repo", "cat", "both.txt", "-r", "trunk", "-R", "hub.fossil"));
        Assert.Equal("theirs\n", edgesync.Ok("repo", "cat", "theirs.txt", "-r", "trunk", "-R", "hub.fossil"));
        Assert.Equal("2\n", File.ReadAllText(edgesync["folder/both.txt"]));
        var watch = (await leaf.StatusAsync()).GetProperty("repositories")[0].GetProperty("watch");
        Assert.Contains("both.txt", watch.GetProperty("last_error").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, leaf.Stop(Terminate));
    }

    [Fact]
    public async Task An_emptied_folder_is_no_check_in()
    {
        using var edgesync = Watched();
        edgesync.Write("folder/a.txt", "1\n");
        edgesync.Write("folder/b.txt", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        await leaf.UntilAsync(() => Files(edgesync) is ["a.txt -", "b.txt -"]);

        File.Delete(edgesync["folder/a.txt"]);
        File.Delete(edgesync["folder/b.txt"]);
        JsonElement watch = default;
        await leaf.UntilAsync(async () => (watch = (await leaf.StatusAsync()).GetProperty("repositories")[0].GetProperty("watch")).GetProperty("state").GetString() == "failed");

        Assert.Contains("is it mounted?", watch.GetProperty("last_error").GetString(), StringComparison.Ordinal);
        Assert.Equal(["a.txt -", "b.txt -"], Files(edgesync));
        Assert.Equal(0, leaf.Stop(Terminate));
    }

    private static Edgesync Watched()
    {
        var edgesync = new Edgesync();
        edgesync.Ok("repo", "new", "hub.fossil");
        Directory.CreateDirectory(edgesync["folder"]);
        edgesync.Write(
            "edgesync.json",
            $$"""
            {
              "node": { "data_dir": "{{edgesync["state"]}}", "control_socket": "{{edgesync["c.sock"]}}" },
              "nats": { "enabled": false },
              "http": { "listen": "127.0.0.1:0" },
              "repositories": [ { "path": "{{edgesync["hub.fossil"]}}", "watch": { "folder": "{{edgesync["folder"]}}", "quiet": "200ms", "ignore": ["*.tmp"] } } ]
            }
            """);
        return edgesync;
    }

    private static string[] Files(Edgesync edgesync) =>
    [
        .. edgesync.Json("repo", "ls", "-R", "hub.fossil").GetProperty("files").EnumerateArray()
            .Select(f => $"{f.GetProperty("name").GetString()} {f.GetProperty("perm").GetString()}"),
    ];
}
