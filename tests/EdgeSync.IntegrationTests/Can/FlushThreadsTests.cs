using EdgeSync.Storage.Assets;

namespace EdgeSync.IntegrationTests.Can;

public sealed class FlushThreadsTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Test]
    public async Task As_many_as_there_are_threads_wait_at_once()
    {
        var flushes = new FlushThreads(Minute);
        using var all = new CountdownEvent(FlushThreads.CountMax);

        // Each ends when all have begun.
        var begun = Enumerable.Range(0, FlushThreads.CountMax).Select(_ => flushes.RunAsync(() =>
        {
            all.Signal();
            if (!all.Wait(Minute)) throw new TimeoutException();
        })).ToArray();

        await Task.WhenAll(begun);
    }

    [Test]
    public async Task Nothing_is_left_out_when_threads_end_between()
    {
        var flushes = new FlushThreads(TimeSpan.Zero);
        var count = 0;

        for (var round = 0; round < 200; round++)
            await Task.WhenAll(Enumerable.Range(0, 20).Select(
                _ => flushes.RunAsync(() => Interlocked.Increment(ref count))));

        Assert.Equal(4000, count);
    }

    [Test]
    public async Task A_failure_is_that_of_its_own_work()
    {
        var flushes = new FlushThreads(Minute);

        var failing = flushes.RunAsync(() => throw new IOException("no space"));
        var other = flushes.RunAsync(() => { });

        await Assert.ThrowsAsync<IOException>(() => failing);
        await other;
    }
}
