using EdgeSync.FleetTests.Fleet;
using EdgeSync.FleetTests.Proxy;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Profiles;

/// <summary>A cable that never carries a whole reply.</summary>
public sealed class BrokenReplyTests
{
    private const int Files = 30, FileBytes = 20_000, CutEvery = 110_000;

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task One_pull_brings_everything_over_a_link_that_breaks_in_each_reply(bool fromStock)
    {
        if (fromStock) StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder("broken-reply");
        var (program, stock) = (new EdgeSyncProgram(folder), new StockFossil(folder));
        var (source, target) = (folder["source.fossil"], folder["target.fossil"]);
        program.Run("repo", "new", source, "--user", StockFossil.User);
        program.Run("repo", "user", "update", "nobody", "--cap", FleetEnvironment.Everything, "-R", source);
        File.Copy(source, target);
        CheckIn(program, folder.Folder("tree"), source);
        await using var proxy = new FaultProxy(seed: 1);
        using IServer server = fromStock ? stock.Serve(source) : program.Serve(source);
        var link = proxy.Add("cable", server.Port);
        link.ResetAfter(Direction.Down, CutEvery);

        using var pull = program.Start("repo", "pull", $"http://127.0.0.1:{link.Port}/", "--once", "-R", target)
            .Begin();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        for (var dialled = link.Accepted; !pull.HasEnded; await Task.Delay(
            5, TestContext.Current!.Execution.CancellationToken))
        {
            Assert.False(
                patience.IsCancellationRequested,
                $"the pull does not end: {link.Accepted} connections, {link.Down.Bytes} B");
            if (link.Accepted == dialled) continue;

            dialled = link.Accepted;
            link.ResetAfter(Direction.Down, CutEvery);
        }

        var result = pull.WaitForEnd(TimeSpan.FromSeconds(30));
        Assert.True(result.Succeeded, result.Text);
        Assert.True(
            FleetState.Read(target).Agrees(FleetState.Read(source)),
            $"{link.Accepted} connections, {link.Down.Bytes} B\n{result.Text}");
        Assert.True(link.Accepted >= Files * FileBytes / CutEvery, $"{link.Accepted} connections: nothing was cut");
        Assert.True(link.Down.Bytes < 1.5 * Files * FileBytes, $"{link.Down.Bytes} B came for {Files * FileBytes} B");
        program.MustBeIntact(target);
    }

    private static void CheckIn(EdgeSyncProgram program, string tree, string repository)
    {
        var prng = new Prng(1);
        var names = new List<string>();
        for (var i = 0; i < Files; i++)
        {
            names.Add($"{i}.bin");
            File.WriteAllBytes(Path.Combine(tree, names[^1]), prng.NextBytes(FileBytes));
        }

        program.RunIn(tree, ["repo", "ci", "-R", repository, "-m", "much", "--user", StockFossil.User, .. names]);
    }
}
