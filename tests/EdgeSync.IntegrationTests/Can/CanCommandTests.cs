using System.Text.Json;
using EdgeSync.Cli.Commands;
using EdgeSync.IntegrationTests.Cli;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary><c>edgesync can …</c> against a service, all in this process.</summary>
public sealed class CanCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("can-cli");

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task Assets_are_put_found_tagged_trashed_restored_and_read()
    {
        await using var can = await CanTestService.StartAsync();
        var file = _folder.Write("note.txt", "hello");

        var put = Json(can, "put", file, "--tag", "a", "--description", "first note");
        var hash = put.GetProperty("files")[0].GetProperty("hash").GetString()!;
        Assert.Equal(1, Json(can, "ls").GetProperty("total").GetInt32());
        Assert.Equal(1, Json(can, "search", "first", "--tag", "a").GetProperty("total").GetInt32());
        Assert.Equal(0, Json(can, "search", "second").GetProperty("total").GetInt32());
        var tagged = Json(can, "tag", hash[..12], "b", "--remove", "a").GetProperty("assets")[0];
        Assert.Equal("b", tagged.GetProperty("tags")[0].GetString());
        Assert.True(Json(can, "rm", hash).GetProperty("assets")[0].GetProperty("is_trashed").GetBoolean());
        Assert.Equal(0, Json(can, "ls").GetProperty("total").GetInt32());
        Assert.False(Json(can, "restore", hash).GetProperty("assets")[0].GetProperty("is_trashed").GetBoolean());

        Json(can, "get", hash, "-o", _folder["copy.txt"]);
        Assert.Equal("hello", await File.ReadAllTextAsync(_folder["copy.txt"]));
        Assert.Equal(ExitCode.Conflict, Run(can, "get", hash, "-o", _folder["copy.txt"]).Code);
        Assert.Equal(5, Json(can, "status").GetProperty("bytes").GetInt32());
    }

    [Test]
    public async Task A_folder_is_imported_and_exported()
    {
        await using var can = await CanTestService.StartAsync();
        _folder.Write("in/a.txt", "one");
        _folder.Write("in/sub/a.txt", "two");
        _folder.Write("in/.hidden", "no");
        await can.PutAsync("three", "evil", ("human_file_name", ".."), ("human_readable_path", "/../../x/"));

        Assert.Equal(2, Json(can, "import", _folder["in"], "--tag", "t").GetProperty("files").GetInt32());
        Assert.Equal(3, Json(can, "export", _folder["out"]).GetProperty("files").GetInt32());

        Assert.Equal("one", await File.ReadAllTextAsync(_folder["out", "a.txt"]));
        Assert.Equal("two", await File.ReadAllTextAsync(_folder["out", "sub", "a.txt"]));
        Assert.Equal(3, Directory.GetFiles(_folder["out"], "*", SearchOption.AllDirectories).Length);
    }

    [Test]
    public async Task Verifying_and_deleting_need_the_token_of_the_settings()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync("hello");
        var config = _folder.Write("config.yaml", $"admin_token: {CanTestService.Token}\n");
        var nobody = _folder.Write("nobody.yaml", "");

        Assert.Equal(ExitCode.Denied, Run(can, "verify", "--config", nobody).Code);
        Assert.Equal(1, Json(can, "verify", "--config", config).GetProperty("checked").GetInt32());
        foreach (var path in Directory.GetFiles(can.Root, $"*{hash}*")) await File.WriteAllTextAsync(path, "other");
        Assert.Equal(ExitCode.Corrupt, Run(can, "verify", "--config", config).Code);
        Assert.Equal(ExitCode.Corrupt, Run(can, "get", hash).Code);

        Assert.Equal(ExitCode.Denied, Run(can, "rm", hash, "--permanent", "--config", nobody).Code);
        Assert.Equal(ExitCode.Ok, Run(can, "rm", hash, "--permanent", "--config", config).Code);
        Assert.Equal(ExitCode.NotFound, Run(can, "get", hash).Code);
    }

    [Test]
    public void Without_a_service_the_command_says_how_to_start_one()
    {
        var run = InProcessCli.Run("can", "ls", "--url", "http://127.0.0.1:1");

        Assert.Equal(ExitCode.Unavailable, run.Code);
        Assert.Equal("edgesync can serve", run.Hint);
    }

    private static CliRun Run(CanTestService can, params string[] words) =>
        InProcessCli.Run(["can", .. words, "--url", can.Url("")]);

    private static JsonElement Json(CanTestService can, params string[] words)
    {
        var run = Run(can, [.. words, "--json"]);
        Assert.True(run.Code == ExitCode.Ok, run.ToString());
        return JsonDocument.Parse(run.Output).RootElement;
    }
}
