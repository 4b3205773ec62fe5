using System.Runtime.CompilerServices;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Web.Live;

/// <summary>The changes of repositories that pages wait for: each is watched by its file, while a page waits.</summary>
internal sealed class RepositoryChanges(TimeProvider clock)
{
    // Many commits in a row are one change of a page.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly ConditionalWeakTable<RepositoryHost, LiveTopic> _topics = [];

    public LiveTopic Of(RepositoryHost host) =>
        _topics.GetValue(host, h => new LiveTopic((changed, token) => WatchAsync(h, changed, token)));

    private async Task WatchAsync(RepositoryHost host, Action changed, CancellationToken cancellationToken)
    {
        using var files = new FileChanges(host.FilePath, clock);
        var seen = await StampAsync(host, cancellationToken);
        while (true)
        {
            await files.WaitAsync(cancellationToken);
            var now = await StampAsync(host, cancellationToken);
            if (now == seen || now is null) continue;

            seen = now;
            changed();
            await Task.Delay(Pause, clock, cancellationToken);
        }
    }

    // Null where the file cannot be read just now: the next look sees the change.
    private static async Task<(long Newest, long Entries)?> StampAsync(
        RepositoryHost host, CancellationToken cancellationToken)
    {
        try
        {
            return await host.Readers.RunAsync(
                r => (r.Database.QueryInt64("SELECT max(rid) FROM blob"),
                    r.Database.QueryInt64("SELECT count(*) FROM event")),
                cancellationToken);
        }
        catch (EdgeSyncException)
        {
            return null;
        }
    }
}
