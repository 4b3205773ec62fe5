using System.Text.Json;
using System.Text;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Can;

/// <summary>Clients of WebDAV from Debian against the tree of a store: curl, cadaver, litmus, davfs2.</summary>
public sealed class WebDavTests
{
    private const string Curl = "/usr/bin/curl", Cadaver = "/usr/bin/cadaver", Litmus = "/usr/bin/litmus",
        Mount = "/usr/sbin/mount.davfs";

    [Test]
    public void Curl_writes_reads_a_range_and_lists()
    {
        Skip.Unless(File.Exists(Curl), "curl is not installed");
        using var edgesync = new EdgeSyncProgram();
        using var service = Serve(edgesync, out var url, "");
        var file = edgesync.Write("a.txt", "0123456789");

        Run(edgesync, Curl, "-sf", "-T", file, $"{url}/dav/APPLICATION/notes/a.txt");
        Assert.Equal("234", Run(edgesync, Curl, "-sf", "-r", "2-4", $"{url}/dav/APPLICATION/notes/a.txt"));
        Assert.Contains(
            "/dav/APPLICATION/notes/a.txt",
            Run(edgesync, Curl, "-sf", "-X", "PROPFIND", "-H", "Depth: 1", $"{url}/dav/APPLICATION/notes/"),
            StringComparison.Ordinal);
        Assert.Equal(1, edgesync.Json("can", "search", "a.txt", "--url", url).GetProperty("total").GetInt32());
    }

    [Test]
    public void Cadaver_walks_through_the_tree_and_writes()
    {
        Skip.Unless(File.Exists(Cadaver), "cadaver is not installed (Debian: cadaver)");
        using var edgesync = new EdgeSyncProgram();
        using var service = Serve(edgesync, out var url, "api_key: secret\n");
        var file = edgesync.Write("up.txt", "from cadaver");
        edgesync.Write(".netrc", $"machine {new Uri(url).Host}\nlogin anyone\npassword secret\n");

        var output = (edgesync.StartAs(Cadaver, $"{url}/dav/") with
        {
            Environment = new Dictionary<string, string?> { ["HOME"] = Path.GetDirectoryName(edgesync[".netrc"]) },
            Input = Encoding.UTF8.GetBytes($"""
            ls
            cd APPLICATION
            mkcol desk
            cd desk
            put {file}
            ls
            get up.txt {edgesync["down.txt"]}
            move up.txt moved.txt
            copy moved.txt copied.txt
            delete copied.txt
            lock moved.txt
            discover moved.txt
            unlock moved.txt
            ls
            cd ../../TAGS
            put {file}
            quit

            """),
        }).Run().Text;

        Assert.True(File.Exists(edgesync["down.txt"]), output);
        Assert.Equal("from cadaver", File.ReadAllText(edgesync["down.txt"]));
        Assert.Contains("moved.txt", output, StringComparison.Ordinal);
        Assert.Matches(@"Locking [^\n]*: succeeded", output.Replace("`moved.txt'", "it", StringComparison.Ordinal));
        // The view refuses, with its reason.
        Assert.Matches(@"Uploading [^\n]*TAGS[^\n]*|403 Forbidden", output);
        var assets = edgesync.Json("can", "search", "moved", "--url", url, "--config", edgesync["can.yaml"]);
        Assert.Equal("moved.txt", assets.GetProperty("items")[0].GetProperty("name").GetString());
        Assert.Equal(1, assets.GetProperty("total").GetInt32());
    }

    [Test]
    public void Litmus_finds_what_a_tree_of_assets_can_do()
    {
        Skip.Unless(File.Exists(Litmus), "litmus is not installed (Debian: litmus)");
        using var edgesync = new EdgeSyncProgram();
        using var service = Serve(edgesync, out var url, "");

        // It makes a folder and works in it; of its tests, those pass that need no folder within.
        var output = (edgesync.StartAs(Litmus, "-k", $"{url}/dav/APPLICATION/") with
        {
            Folder = Path.GetDirectoryName(edgesync["debug.log"])!,
            Environment = new Dictionary<string, string?> { ["TESTS"] = "basic" },
        }).Run().Text;

        Assert.Contains("of 14 tests run: 12 passed, 2 failed", output, StringComparison.Ordinal);
        Assert.Matches(@"put_get_utf8_segment\.+ pass", output);
        Assert.Matches(@"mkcol\.+ FAIL", output);
    }

    [Test]
    public void Davfs_mounts_the_tree()
    {
        Skip.Unless(File.Exists(Mount), "davfs2 is not installed (Debian: davfs2)");
        Skip.Unless(File.Exists("/dev/fuse") && Environment.IsPrivilegedProcess, "mounting needs root and /dev/fuse");
        using var edgesync = new EdgeSyncProgram();
        using var service = Serve(edgesync, out var url, "");
        Directory.CreateDirectory(edgesync["mnt"]);
        Directory.CreateDirectory(edgesync["cache"]);
        edgesync.Write("davfs2.conf", $"ask_auth 0\ncache_dir {edgesync["cache"]}\ndelay_upload 0\n");
        var mounted = edgesync.StartAs(
            Mount, "-o", $"conf={edgesync["davfs2.conf"]}", $"{url}/dav/", edgesync["mnt"]).Run();
        Skip.Unless(mounted.ExitCode == 0, $"this machine mounts nothing: {mounted.Text}");
        try
        {
            Assert.Equal(
                ["APPLICATION", "CAN", "DATES", "TAGS"],
                Directory.GetDirectories(edgesync["mnt"]).Select(Path.GetFileName)
                    .Where(n => n != "lost+found").Order());
            Directory.CreateDirectory(edgesync["mnt/APPLICATION/mounted"]);
            File.WriteAllText(edgesync["mnt/APPLICATION/mounted/a.txt"], "through a mount");
        }
        finally
        {
            edgesync.StartAs("/usr/bin/umount", edgesync["mnt"]).Run();   // it waits for uploads
        }

        Assert.Equal("through a mount", Run(edgesync, Curl, "-sf", $"{url}/dav/APPLICATION/mounted/a.txt"));
    }

    private static RunningProgram Serve(EdgeSyncProgram edgesync, out string url, string settings)
    {
        edgesync.Write("can.yaml", $"storage_root: {edgesync["data"]}\nport: 0\n{settings}");
        var service = edgesync.Start("can", "serve", "--config", edgesync["can.yaml"], "--json").Begin();
        var line = service.ReadLine(TimeSpan.FromSeconds(60));
        Assert.True(line is not null, service.TextSoFar);
        using var started = JsonDocument.Parse(line);
        url = started.RootElement.GetProperty("url").GetString()!;
        return service;
    }

    private static string Run(EdgeSyncProgram edgesync, string program, params string[] arguments) =>
        edgesync.StartAs(program, arguments).Run().MustSucceed().Output;
}
