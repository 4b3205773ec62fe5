using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class RepositoryQueueTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("queue");
    private readonly string _path;

    public RepositoryQueueTests()
    {
        _path = _folder["r.fossil"];
        Repository.Create(_path, new RepositoryCreateOptions()).Dispose();
    }

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Work_runs_one_piece_at_a_time_on_one_thread_in_order()
    {
        await using var queue = RepositoryQueue.Open(_path);
        var threads = new HashSet<int>();
        var order = new List<int>();

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => queue.RunAsync(
            _ =>
            {
                threads.Add(Environment.CurrentManagedThreadId);
                order.Add(i);
            },
            Cancellation)));

        Assert.Single(threads);
        Assert.Equal(Enumerable.Range(0, 100), order);
    }

    [Test]
    public async Task An_error_goes_to_the_caller_and_the_queue_goes_on()
    {
        await using var queue = RepositoryQueue.Open(_path);

        await Assert.ThrowsAsync<EdgeSyncException>(
            () => queue.RunAsync(r => r.Names.Resolve("no such thing"), Cancellation));

        Assert.Equal(40, (await queue.RunAsync(r => r.ProjectCode, Cancellation)).Length);
    }

    [Test]
    public async Task Cached_content_is_dropped_when_idle()
    {
        await using var queue = RepositoryQueue.Open(_path);
        var content = await queue.RunAsync(
            repository =>
            {
                using var transaction = repository.Begin();
                var rid = repository.Content.Put(new byte[3 * 1024 * 1024]);
                transaction.Commit();
                repository.Content.Get(rid).Dispose();
                return repository.Content;
            },
            Cancellation);
        var wasCached = content.CachedBytes;

        await Patience.UntilAsync(
            () => content.CachedBytes == 0, TimeSpan.FromMinutes(1), () => $"{content.CachedBytes} bytes are cached");

        Assert.Equal(3 * 1024 * 1024, wasCached);
    }

    [Test]
    public async Task Many_writers_beside_readers_all_get_their_turn()
    {
        await using var queue = RepositoryQueue.Open(_path);
        var writes = Enumerable.Range(0, 50).Select(i => queue.RunAsync(
            repository =>
            {
                using var transaction = repository.Begin();
                repository.Content.Put(BitConverter.GetBytes(i));
                transaction.Commit();
            },
            Cancellation));
        var reads = Enumerable.Range(0, 4).Select(_ => Task.Run(
            () =>
            {
                using var reader = Repository.Open(_path, RepositoryOptions.ReadOnly);
                for (var i = 0; i < 20; i++) reader.Database.QueryInt64("SELECT count(*) FROM blob");
            },
            Cancellation));

        await Task.WhenAll([.. writes, .. reads]);

        Assert.Equal(51, await queue.RunAsync(r => r.Database.QueryInt64("SELECT count(*) FROM blob"), Cancellation));
    }

    [Test]
    public async Task Dispose_finishes_what_was_accepted_and_leaves_one_file()
    {
        var queue = RepositoryQueue.Open(_path);
        var last = queue.RunAsync(repository => repository.Settings.Set("a", "b"), Cancellation);

        await queue.DisposeAsync();

        Assert.True(last.IsCompletedSuccessfully);
        Assert.Equal([_path], Directory.GetFiles(_folder.Path));
        var refused = await Assert.ThrowsAsync<EdgeSyncException>(() => queue.RunAsync(r => r.Path, Cancellation));
        Assert.Equal(ErrorKind.Unavailable, refused.Kind);
    }
}
