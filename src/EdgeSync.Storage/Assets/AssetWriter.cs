using System.Collections.Concurrent;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// The one thread that changes the index. Changes that wait at the same time share a transaction, and a flush of the
/// folder before it: with many uploads at once, few flushes. A change is done when it is on the disk.
/// </summary>
internal sealed class AssetWriter : IDisposable
{
    private const int BatchMax = 256;

    private readonly BlockingCollection<Work> _queue = [];
    private readonly AssetIndex _index;
    private readonly AssetFolder _folder;
    private readonly Action _committed;
    private readonly Thread _thread;

    /// <param name="index">Used by this thread alone from now on, and closed by it.</param>
    /// <param name="folder">Flushed before each commit.</param>
    /// <param name="committed">Called after each.</param>
    public AssetWriter(AssetIndex index, AssetFolder folder, Action committed)
    {
        (_index, _folder, _committed) = (index, folder, committed);
        _thread = new Thread(Run) { IsBackground = true, Name = "can-writer" };
        _thread.Start();
    }

    /// <summary>Runs a change in a transaction; the task ends when it is on the disk.</summary>
    /// <param name="body">The change; it may run again after an <paramref name="undo"/>.</param>
    /// <param name="undo">Takes back what it did to files, however far it came.</param>
    /// <param name="names">The folders in which it changes names.</param>
    public Task<T> RunAsync<T>(
        Func<AssetIndex, T> body, Action? undo = null, ChangedNames names = ChangedNames.None)
    {
        var work = new Work<T>(body, undo, names);
        try
        {
            _queue.Add(work);
        }
        catch (InvalidOperationException)
        {
            throw new EdgeSyncException(ErrorKind.Unavailable, "the store is closing", "try again");
        }

        return work.Completion;
    }

    /// <summary>Finishes what waits, and closes the index.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread.Join();
        _queue.Dispose();
    }

    private void Run()
    {
        var batch = new List<Work>();
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            batch.Add(first);
            while (batch.Count < BatchMax && _queue.TryTake(out var next)) batch.Add(next);
            RunBatch(batch);
            batch.Clear();
        }

        _index.Database.Dispose();
    }

    // A change that fails takes back the whole batch: then each runs alone, and only that one fails.
    private void RunBatch(List<Work> batch)
    {
        if (TryRun(batch, out var failure)) return;
        if (batch is [var only])
        {
            only.Fail(failure!);
            return;
        }

        foreach (var work in batch)
        {
            if (!TryRun([work], out failure)) work.Fail(failure!);
        }
    }

    private bool TryRun(List<Work> batch, out Exception? failure)
    {
        failure = null;
        var begun = 0;
        try
        {
            using (var transaction = _index.Database.Begin())
            {
                foreach (var work in batch)
                {
                    begun++;
                    work.Do(_index);
                }

                _index.KeepWords();
                _folder.Flush(batch.Aggregate(ChangedNames.None, (all, w) => all | w.Names));
                transaction.Commit();
            }
        }
        catch (Exception e)
        {
            failure = e;
            for (var i = begun - 1; i >= 0; i--) batch[i].Undo();
            return false;
        }

        _committed();
        foreach (var work in batch) work.Complete();
        return true;
    }

    private abstract class Work(Action? undo, ChangedNames names)
    {
        public ChangedNames Names => names;

        public abstract void Do(AssetIndex index);

        public abstract void Complete();

        public abstract void Fail(Exception failure);

        // What cannot be taken back is found when the store is opened again.
        public void Undo()
        {
            try
            {
                undo?.Invoke();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
            }
        }
    }

    private sealed class Work<T>(Func<AssetIndex, T> body, Action? undo, ChangedNames names) : Work(undo, names)
    {
        private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Completion => _source.Task;

        public override void Do(AssetIndex index) => _result = body(index);

        public override void Complete() => _source.SetResult(_result!);

        public override void Fail(Exception failure) => _source.SetException(failure);
    }
}
