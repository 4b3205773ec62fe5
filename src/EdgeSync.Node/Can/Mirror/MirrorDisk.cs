using System.Threading.Channels;
using EdgeSync.Can.Assets;
using EdgeSync.Node.Loops;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// Reads and writes contents beside the core's loop, a few at once; what concerns one asset runs in its order. What
/// waits is bounded by the core.
/// </summary>
internal sealed class MirrorDisk : IDisposable
{
    private const int Workers = 4;

    private readonly Channel<Func<Task>>[] _queues;

    /// <param name="tasks">Own the workers, which end after what waits when this is disposed.</param>
    public MirrorDisk(RunningTasks tasks)
    {
        _queues = [.. Enumerable.Range(0, Workers).Select(_ => Channel.CreateUnbounded<Func<Task>>(
            new UnboundedChannelOptions { SingleReader = true }))];
        foreach (var queue in _queues) tasks.Start(() => Task.Run(() => RunAsync(queue.Reader)));
    }

    public void Start(AssetHash asset, Func<Task> work) => Start(asset.GetHashCode(), work);

    /// <summary>The same for what arrives and has no hash yet.</summary>
    public void Start(long arrival, Func<Task> work) => Start((int)arrival, work);

    private void Start(int order, Func<Task> work) => _queues[(uint)order % Workers].Writer.TryWrite(work);

    public void Dispose()
    {
        foreach (var queue in _queues) queue.Writer.TryComplete();
    }

    private static async Task RunAsync(ChannelReader<Func<Task>> queue)
    {
        await foreach (var work in queue.ReadAllAsync()) await work();
    }
}
