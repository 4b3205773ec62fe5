using System.Threading.Channels;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage;

/// <summary>
/// Serves a repository to asynchronous callers: one dedicated thread owns the connection and runs the work items one
/// after the other, in order. The queue is bounded: when it is full, callers wait. Dispose finishes the accepted work,
/// then closes the repository.
/// </summary>
public sealed class RepositoryQueue : IRepositoryExecutor, IAsyncDisposable
{
    private const int WaitingMax = 256;

    private const long CachedBytesAtRestMax = 1024 * 1024;

    private static readonly TimeSpan RestAfterIdle = TimeSpan.FromSeconds(1);

    // What an exchange took, the next one takes again: between two it is kept, since a collection of everything and
    // fresh pages cost processor time. A small machine has no memory to keep.
    private static readonly TimeSpan TrimAfterRest =
        LargeBuffers.IsSmallMachine ? TimeSpan.Zero : TimeSpan.FromSeconds(9);

    private readonly Channel<WorkItem> _work = Channel.CreateBounded<WorkItem>(
        new BoundedChannelOptions(WaitingMax)
        {
            SingleReader = true,
            FullMode = BoundedChannelFullMode.Wait,
            // The reader blocks a thread of its own: a writer wakes it directly, not through one of the pool.
            AllowSynchronousContinuations = true,
        });

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<Repository>? _openToWrite;
    private Repository _repository;
    private volatile EdgeSyncException? _writeFault;
    private int _waitingOrRunning;
    private Task _folding = Task.CompletedTask;   // only touched on the repository's thread

    private RepositoryQueue(
        Repository repository, Func<Repository>? openToWrite = null, EdgeSyncException? writeFault = null)
    {
        (_repository, _openToWrite, _writeFault, Path) = (repository, openToWrite, writeFault, repository.Path);
        new Thread(Work)
        {
            IsBackground = true,
            Name = $"repository {System.IO.Path.GetFileName(repository.Path)}"
        }.Start();
    }

    public string Path { get; }

    /// <summary>Why the repository can only be read for now; null: it can be written.</summary>
    public EdgeSyncException? WriteFault => _writeFault;

    /// <summary>Work runs or waits; other work that can run elsewhere need not wait behind it.</summary>
    public bool IsBusy => Volatile.Read(ref _waitingOrRunning) > 0;

    /// <summary>Work of other callers may run between the steps of a session.</summary>
    public bool IsExclusive => false;

    /// <summary>Opens the file; errors of opening are thrown here.</summary>
    public static RepositoryQueue Open(string path, RepositoryOptions? options = null) =>
        new(Repository.Open(path, options));

    /// <summary>Takes over an open repository; the caller must not use it afterwards.</summary>
    public static RepositoryQueue Own(Repository repository) => new(repository);

    /// <summary>
    /// Takes over a repository that cannot be written just now. Each work item first tries to open it for writing
    /// again, until that succeeds.
    /// </summary>
    /// <param name="readable">Opened for reading.</param>
    /// <param name="openToWrite">Opens the same file for writing.</param>
    /// <param name="fault">Why it could not be opened for writing.</param>
    public static RepositoryQueue OwnUntilWritable(
        Repository readable, Func<Repository> openToWrite, EdgeSyncException fault) =>
        new(readable, openToWrite, fault);

    /// <summary>
    /// Runs <paramref name="work"/> on the repository's thread. A cancellation before it begins drops it; running work
    /// is never interrupted.
    /// </summary>
    public async Task<T> RunAsync<T>(Func<Repository, T> work, CancellationToken cancellationToken)
    {
        var item = new WorkItem<T>(work, cancellationToken);
        Interlocked.Increment(ref _waitingOrRunning);
        try
        {
            await _work.Writer.WriteAsync(item, cancellationToken).ConfigureAwait(false);
            return await item.Result.ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new EdgeSyncException(ErrorKind.Unavailable, $"{Path} is being closed");
        }
        finally
        {
            Interlocked.Decrement(ref _waitingOrRunning);
        }
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public Task RunAsync(Action<Repository> work, CancellationToken cancellationToken) => RunAsync(
        repository =>
        {
            work(repository);
            return true;
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _ended.Task.ConfigureAwait(false);
    }

    private void Work()
    {
        try
        {
            var foldedChanges = _repository.Database.TotalChanges;
            var rests = true;
            while (WaitForWork(rests, ref foldedChanges))
            {
                while (_work.Reader.TryRead(out var item))
                {
                    if (_writeFault is not null) TryOpenToWrite(ref foldedChanges);
                    item.Run(_repository);
                }

                rests = false;
            }

            _folding.Wait();
            _repository.Dispose();
            _ended.SetResult();
        }
        catch (Exception e)
        {
            _work.Writer.TryComplete();
            _ended.SetException(e);
        }
    }

    private void TryOpenToWrite(ref int foldedChanges)
    {
        try
        {
            var writable = _openToWrite!();
            _repository.Dispose();
            _repository = writable;
            foldedChanges = writable.Database.TotalChanges;
            _writeFault = null;
        }
        catch (EdgeSyncException e)
        {
            _writeFault = e;
        }
    }

    // A thread of its own: SQLite blocks, and the pool must not.
    private bool WaitForWork(bool rests, ref int foldedChanges)
    {
        var more = _work.Reader.WaitToReadAsync().AsTask();
        if (!rests && !more.Wait(RestAfterIdle))
        {
            Rest(ref foldedChanges);
            if (!more.Wait(TrimAfterRest)) MemoryTrimmer.Trim(always: false);
        }

        return more.GetAwaiter().GetResult();
    }

    // After an idle time the write-ahead log is checkpointed, so that a plain copy of the file is complete (without
    // waiting for readers), and cached content is returned. A checkpoint flushes the disk twice, so a connection of its
    // own does it: work that arrives meanwhile does not wait.
    private void Rest(ref int foldedChanges)
    {
        var changes = _repository.Database.TotalChanges;
        if (changes != foldedChanges && _folding.IsCompleted)
        {
            _folding = Task.Run(Fold);
            foldedChanges = changes;
        }

        if (_repository.Content.CachedBytes <= CachedBytesAtRestMax) return;

        _repository.Content.ForgetCached();
        MemoryTrimmer.Trim(always: true);
    }

    private void Fold()
    {
        if (_repository.Database.IsInMemory || _repository.IsReadOnly) return;

        try
        {
            using var database = Database.Open(Path, _repository.Database.Options);
            database.Checkpoint(truncate: false);
        }
        catch (EdgeSyncException)
        {
            // A full disk, or a file that was moved away: the next writer gets the error.
        }
    }

    private abstract class WorkItem
    {
        public abstract void Run(Repository repository);
    }

    private sealed class WorkItem<T>(Func<Repository, T> work, CancellationToken cancellationToken) : WorkItem
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Result => _result.Task;

        public override void Run(Repository repository)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _result.SetCanceled(cancellationToken);
                return;
            }

            try
            {
                _result.SetResult(work(repository));
            }
            catch (Exception e)
            {
                _result.SetException(e);
            }
        }
    }
}
