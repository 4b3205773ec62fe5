using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>The asset store as a program, driven by curl, killed and started again.</summary>
public sealed class CanTests
{
    private const string Curl = "/usr/bin/curl";

    [Test]
    public void What_was_answered_outlives_a_kill()
    {
        Skip.Unless(File.Exists(Curl), "curl is not installed");
        using var edgesync = new EdgeSyncProgram();
        var photo = edgesync.Write("photo.txt", new string('x', 200_000) + "end");

        string hash;
        using (var service = Serve(edgesync, out var url))
        {
            var stored = Request(edgesync, "-F", $"file=@{photo}", "-F", "tags=a,b", $"{url}/api/v1/can/0/ingest");
            hash = stored.GetProperty("hash").GetString()!;
            edgesync.Try("can", "serve", "--port", "0", "--storage", edgesync["data"]).MustFail();
            service.Kill();
        }

        using (var service = Serve(edgesync, out var url))
        {
            var asset = $"{url}/api/v1/can/0/asset/{hash}";
            Assert.Equal("end", Run(edgesync, "-s", "-r", "200000-", asset));
            Assert.Equal("b", Request(edgesync, $"{asset}/meta").GetProperty("tags")[1].GetString());
            Assert.Equal(1, edgesync.Json("can", "search", "photo", "--url", url).GetProperty("total").GetInt32());
            edgesync.Run("can", "get", hash[..10], "-o", edgesync["copy.txt"], "--url", url);
            Assert.Equal(File.ReadAllBytes(photo), File.ReadAllBytes(edgesync["copy.txt"]));
            Assert.Equal(0, service.Terminate(TimeSpan.FromSeconds(20)).ExitCode);
        }

        Assert.False(File.Exists(edgesync["data/.can.db-wal"]), "a stopped store leaves one file as its index");
    }

    [Test]
    public void One_process_serves_several_stores()
    {
        using var edgesync = new EdgeSyncProgram();
        string[] files = [.. new[] { "photos", "plans" }.Select(name => edgesync.Write(
            $"{name}.yaml", $"storage_root: {edgesync[name]}\nport: 0\n"))];
        edgesync.Try("can", "serve", "--config", files[0], "--config", files[1], "--port", "0").MustFail();
        // The second store has the folder of the first, so that neither is served.
        edgesync.Try("can", "serve", "--config", files[0], "--config", files[0]).MustFail();

        using var service = edgesync.Start("can", "serve", "--config", files[0], "--config", files[1], "--json")
            .Begin();
        var urls = files.Select(_ => UrlIn(service.ReadLine(TimeSpan.FromSeconds(60)) ?? service.TextSoFar)).ToArray();
        edgesync.Run("can", "put", edgesync.Write("photo.txt", "of the sea"), "--url", urls[0]);

        Assert.Equal(
            [1, 0],
            urls.Select(url => edgesync.Json("can", "ls", "--url", url).GetProperty("total").GetInt32()));
        Assert.Equal(0, service.Terminate(TimeSpan.FromSeconds(20)).ExitCode);

        static string UrlIn(string line)
        {
            using var report = JsonDocument.Parse(line);
            return report.RootElement.GetProperty("url").GetString()!;
        }
    }

    [Test]
    public void Doctor_checks_a_store_with_and_without_its_service()
    {
        using var edgesync = new EdgeSyncProgram();
        var port = Ports.Free();
        var settings = edgesync.Write(
            "can.yaml",
            $"storage_root: {edgesync["data"]}\nport: {port}\n"
            + "sync: true\nsync_discovery: off\nsync_passphrase: short\n");
        File.SetUnixFileMode(settings, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var without = Checks(edgesync, settings);
        Assert.Equal("warning", without["assets service"]);
        Assert.Equal("warning", without["assets passphrase"]);
        Assert.Equal("warning", without["assets settings"]);

        File.SetUnixFileMode(settings, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var service = edgesync.Start("can", "serve", "--config", settings, "--json").Begin();
        Assert.True(service.ReadLine(TimeSpan.FromSeconds(60)) is not null, service.TextSoFar);
        var with = Checks(edgesync, settings);
        Assert.Equal("ok", with["assets service"]);
        Assert.Equal("ok", with["assets settings"]);
        Assert.Equal("warning", with["assets mirror"]);

        // Another port: the folder is in use, and nothing answers. Another folder: the service is not its own.
        File.WriteAllText(settings, $"storage_root: {edgesync["data"]}\nport: {Ports.Free()}\n");
        Assert.Equal("failed", Checks(edgesync, settings)["assets service"]);
        File.WriteAllText(settings, $"storage_root: {edgesync["other"]}\nport: {port}\n");
        Assert.Equal("failed", Checks(edgesync, settings)["assets service"]);
    }

    private static Dictionary<string, string> Checks(EdgeSyncProgram edgesync, string settings)
    {
        using var report = JsonDocument.Parse(edgesync.Try("doctor", "--can", settings, "--json").Output);
        return report.RootElement.GetProperty("checks").EnumerateArray()
            .ToDictionary(c => c.GetProperty("name").GetString()!, c => c.GetProperty("state").GetString()!);
    }

    private static RunningProgram Serve(EdgeSyncProgram edgesync, out string url)
    {
        var service = edgesync.Start("can", "serve", "--port", "0", "--storage", edgesync["data"], "--json").Begin();
        var line = service.ReadLine(TimeSpan.FromSeconds(60));
        Assert.True(line is not null, service.TextSoFar);
        using var started = JsonDocument.Parse(line);
        Assert.Equal("listening", started.RootElement.GetProperty("event").GetString());
        Assert.Equal(service.Id, started.RootElement.GetProperty("pid").GetInt32());
        url = started.RootElement.GetProperty("url").GetString()!;
        return service;
    }

    private static JsonElement Request(EdgeSyncProgram edgesync, params string[] arguments)
    {
        using var reply = JsonDocument.Parse(Run(edgesync, ["-s", .. arguments]));
        return reply.RootElement.GetProperty("data").Clone();
    }

    private static string Run(EdgeSyncProgram edgesync, params string[] arguments) =>
        edgesync.StartAs(Curl, arguments).Run().MustSucceed().Output;
}
