using EdgeSync.Node.Loops;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>The queue of a core under a flood.</summary>
public sealed class CoreLoopTests
{
    private const int QueueLength = 1024;

    [Test]
    public async Task A_commit_waits_for_no_more_than_the_queue_however_many_messages_others_send()
    {
        using var begin = new ManualResetEventSlim();
        var taken = new TaskCompletionSource();
        var steps = new List<string>();
        var drive = new CoreDrive<List<string>>(_ => null, (_, _) => { }, _ => { });
        await using var loop = new CoreLoop<List<string>>(steps, drive, TimeProvider.System, TaskScheduler.Default);
        loop.Post((_, _) => begin.Wait());

        Flood();
        loop.Post((core, _) =>
        {
            core.Add("commit");
            taken.SetResult();
        });
        Flood();
        begin.Set();
        await taken.Task;

        Assert.InRange(steps.IndexOf("commit"), 0, QueueLength + 1);
        Assert.True(loop.Dropped > 38_000, $"{loop.Dropped} dropped");

        void Flood()
        {
            for (var i = 0; i < 20_000; i++) loop.TryPost((core, _) => core.Add("message"));
        }
    }
}
