using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// Visits every blob of a repository except phantoms, exactly once, and expands each exactly once: along the delta
/// trees from the full texts outward, instead of record by record through chains that may be thousands of deltas long.
/// Worker threads expand, hash and parse; one consumer reads the results:
/// <code>
/// using var walk = BlobWalk.Start(database, options, cancellationToken);
/// while (walk.TryRead(out var blob)) { … }
/// </code>
/// </summary>
/// <remarks>
/// <para>Order: a delta comes after its source; trees come heaviest first (in practice the chain of check-ins, which
/// has the most work for the consumer); the order depends on the repository only, never on threads.</para>
/// <para>Memory: texts are in arenas, whose sum stays within <see cref="BlobWalkOptions.BudgetBytes"/>, except that the
/// run that the consumer waits for may always take one more arena. Runs ahead of the consumer get half of the budget,
/// and a bounded number of results.</para>
/// <para>Damage is a value (<see cref="WalkedBlob.Damage"/>), never an exception. An exception of a worker (a failing
/// disk) is thrown by <see cref="TryRead"/>.</para>
/// </remarks>
public sealed class BlobWalk : IDisposable
{
    private const int ArenaBytes = 2 << 20;
    private const int ArenaBytesMin = 64 << 10;
    private const int RunBytesMin = 4 << 20;
    private const int AheadCountMax = 16 * 1024;

    // One lock for all shared state below. It is taken a few times per batch (megabytes of text), never per blob.
    private readonly object _gate = new();
    private readonly BlobWalkOptions _options;
    private readonly BlobForest _forest;
    private readonly TextArenaPool _pool;
    private readonly WalkRun[] _runs;
    private readonly List<BlobBatch> _unchecked = [];
    private readonly Stack<BlobBatch> _idleBatches = new();
    private readonly List<Thread> _threads = [];
    private readonly Worker? _inline;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenRegistration _registration;
    private int _front;
    private int _startedCount;
    private int _waitingCount;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _isStopping;

    private BlobBatch? _current;
    private int _position;
    private bool _isDisposed;

    private BlobWalk(
        Database database, BlobForest forest, BlobWalkOptions options, List<BlobRowReader> readers,
        CancellationToken cancellation)
    {
        _options = options;
        _cancellation = cancellation;
        _forest = forest;
        _pool = new TextArenaPool((int)Math.Clamp(options.BudgetBytes / 8, ArenaBytesMin, ArenaBytes), Pulse);
        _runs = WalkRun.Plan(forest, RunBytesMin);
        _registration = cancellation.Register(Pulse);
        if (readers.Count == 0)
        {
            _inline = new Worker(this, new BlobRowReader(database, ownsDatabase: false, options.TextBytesMax));
            return;
        }

        foreach (var reader in readers)
        {
            var thread = new Thread(new Worker(this, reader).Run) { IsBackground = true, Name = "blob walk" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Blobs that will be delivered.</summary>
    public int Count => _forest.Count - _forest.PhantomCount;

    public int PhantomCount => _forest.PhantomCount;

    /// <summary>Blobs delivered so far.</summary>
    public int DeliveredCount { get; private set; }

    /// <summary>What texts take now; nothing once the walk has been disposed.</summary>
    internal long HeldBytes => _pool.HeldBytes;

    /// <summary>The most that texts took at one time.</summary>
    internal long HeldBytesMax => _pool.HeldBytesMax;

    /// <summary>
    /// Starts a walk over the committed state. With workers, each has a read connection of its own on the same
    /// snapshot; <paramref name="database"/> is used during this call only.
    /// </summary>
    public static BlobWalk Start(Database database, BlobWalkOptions options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (options.WorkersMax <= 0 || database.IsInMemory)
        {
            return new BlobWalk(database, BlobForest.Load(database, options.Only), options, [], cancellationToken);
        }

        var connections = SnapshotConnections.Open(database, options.WorkersMax);
        try
        {
            var forest = BlobForest.Load(connections[0], options.Only);
            var readers = connections.ConvertAll(c => new BlobRowReader(c, ownsDatabase: true, options.TextBytesMax));
            return new BlobWalk(database, forest, options, readers, cancellationToken);
        }
        catch
        {
            foreach (var connection in connections) connection.Dispose();
            throw;
        }
    }

    /// <summary>The next blob, valid until the next call; false at the end. Waits for the workers.</summary>
    public bool TryRead([NotNullWhen(true)] out WalkedBlob? blob)
    {
        if (_current is not null && ++_position == _current.Count) Recycle();
        while (_current is null)
        {
            _current = TakeBatch();
            _position = 0;
            if (_current is null)
            {
                blob = null;
                return false;
            }

            if (_current.Count == 0) Recycle();
        }

        if (_position > 0) BlobBatch.DropText(_current[_position - 1]);
        blob = _current[_position];
        DeliveredCount++;
        return true;
    }

    /// <summary>Ends the threads, wherever they are, and closes their connections.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;

        _isDisposed = true;
        _isStopping = true;
        _registration.Dispose();
        Pulse();
        foreach (var thread in _threads) thread.Join();
        _inline?.Dispose();
        _current?.Clear();
        foreach (var run in _runs)
        {
            foreach (var batch in run.Batches) batch.Clear();
            run.Walker?.Abandon();
        }
    }

    private void Pulse()
    {
        lock (_gate) Monitor.PulseAll(_gate);
    }

    private void Recycle()
    {
        var batch = _current!;
        _current = null;
        batch.Clear();
        lock (_gate)
        {
            _idleBatches.Push(batch);
            Monitor.PulseAll(_gate);
        }
    }

    private BlobBatch? TakeBatch()
    {
        for (; ; )
        {
            lock (_gate)
            {
                if (TryTakeChecked(out var batch)) return batch;
                if (_inline is null)
                {
                    Monitor.Wait(_gate);
                    continue;
                }
            }

            // The consumer is the worker: the batch that it waits for may always be made, so there is a step to take.
            Primitives.Invariant.Require(_inline.TryStep());
        }
    }

    // True with null at the end.
    private bool TryTakeChecked(out BlobBatch? batch)
    {
        batch = null;
        _failure?.Throw();
        _cancellation.ThrowIfCancellationRequested();
        while (_front < _runs.Length && _runs[_front].IsDelivered)
        {
            _front++;
            Monitor.PulseAll(_gate);
        }

        if (_front == _runs.Length) return true;
        if (!_runs[_front].Batches.TryPeek(out batch) || !batch.IsChecked) return false;

        _runs[_front].Batches.Dequeue();
        _waitingCount -= batch.Count;
        return true;
    }

    /// <summary>
    /// The most urgent work: checks before expanding, earlier runs before later ones.
    /// </summary>
    private bool TryChoose(out WalkRun? run, out BlobBatch? batch)
    {
        run = null;
        batch = null;
        var first = 0;
        for (var i = 1; i < _unchecked.Count; i++)
        {
            if (_unchecked[i].Run!.Index < _unchecked[first].Run!.Index) first = i;
        }

        if (_unchecked.Count > 0)
        {
            batch = _unchecked[first];
            _unchecked.RemoveAt(first);
            return true;
        }

        var heldBytes = _pool.HeldBytes;
        if (_front == _runs.Length) return false;

        var front = _runs[_front];
        var aheadMax = _options.BudgetBytes / 2;
        for (var i = _front; i < _runs.Length && i <= _startedCount; i++)
        {
            var candidate = _runs[i];
            if (!candidate.MayBeWalked) continue;

            var need = Math.Max(
                _pool.ArenaBytes, candidate.Walker?.NextBytes ?? _forest.Size(_forest.Roots[candidate.FirstRoot]));
            var hasRoom = heldBytes + need <= _options.BudgetBytes;
            var isAllowed = i == _front
                ? hasRoom || front.Batches.Count == 0
                : hasRoom && heldBytes - front.HeldBytes + need <= aheadMax && _waitingCount < AheadCountMax;
            if (!isAllowed) continue;

            run = candidate;
            run.IsClaimed = true;
            run.Walker ??= new TreeWalker(_forest, run, _pool, _options);
            _startedCount = Math.Max(_startedCount, i + 1);
            return true;
        }

        return false;
    }

    private BlobBatch NewBatch(WalkRun run)
    {
        BlobBatch? batch;
        lock (_gate) _idleBatches.TryPop(out batch);
        batch ??= new BlobBatch();
        batch.Begin(run);
        return batch;
    }

    private void Queue(WalkRun run, BlobBatch batch, bool isWalked)
    {
        lock (_gate)
        {
            run.Batches.Enqueue(batch);
            run.IsWalked = isWalked;
            run.IsClaimed = false;
            _waitingCount += batch.Count;
            if (_options.Checks is BlobChecks.None or BlobChecks.Texts) batch.IsChecked = true;
            else _unchecked.Add(batch);
            Monitor.PulseAll(_gate);
        }
    }

    private void MarkChecked(BlobBatch batch)
    {
        lock (_gate)
        {
            batch.IsChecked = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The resources of one thread: its connection, its hash lanes.</summary>
    private sealed class Worker(BlobWalk walk, BlobRowReader reader) : IDisposable
    {
        private readonly BatchChecker _checker = new(walk._options.Checks, walk._options.Only);

        public void Run()
        {
            try
            {
                while (TryWaitForStep())
                {
                }
            }
            catch (Exception e)
            {
                // Thrown at the consumer's next read.
                lock (walk._gate)
                {
                    walk._failure ??= ExceptionDispatchInfo.Capture(e);
                    walk._isStopping = true;
                    Monitor.PulseAll(walk._gate);
                }
            }
            finally
            {
                Dispose();
            }
        }

        /// <summary>Does one piece of work if there is one.</summary>
        public bool TryStep()
        {
            WalkRun? run;
            BlobBatch? batch;
            lock (walk._gate)
            {
                if (!walk.TryChoose(out run, out batch)) return false;
            }

            Step(run, batch);
            return true;
        }

        public void Dispose() => reader.Dispose();

        private bool TryWaitForStep()
        {
            WalkRun? run;
            BlobBatch? batch;
            lock (walk._gate)
            {
                for (; ; )
                {
                    if (walk._isStopping || walk._cancellation.IsCancellationRequested) return false;
                    if (walk.TryChoose(out run, out batch)) break;
                    if (walk._front == walk._runs.Length) return false;
                    Monitor.Wait(walk._gate);
                }
            }

            Step(run, batch);
            return true;
        }

        private void Step(WalkRun? run, BlobBatch? batch)
        {
            if (batch is not null)
            {
                _checker.Check(batch);
                walk.MarkChecked(batch);
                return;
            }

            var filled = walk.NewBatch(run!);
            var isWalked = false;
            try
            {
                isWalked = run!.Walker!.Fill(filled, reader, IsStopping);
            }
            finally
            {
                // Also what a worker made before it failed: ending the walk releases it.
                walk.Queue(run!, filled, isWalked);
            }
        }

        private bool IsStopping() => walk._isStopping || walk._cancellation.IsCancellationRequested;
    }
}
