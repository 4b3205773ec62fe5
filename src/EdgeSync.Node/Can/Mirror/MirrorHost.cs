using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Service;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Assets;
using EdgeSync.Storage.Assets.Mirror;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// A store's part in a mirror: the endpoint, those who are found, connections, contents, and the changes of users,
/// around the core (<see cref="SyncNode"/>).
/// <code>
/// MirrorFeed ── changes of users ──▶ MirrorLoop (SyncNode, MirrorStore) ──▶ MirrorSession ── streams
/// MirrorDiscovery ── who is there ──▶                                   ──▶ MirrorDisk ── contents
/// </code>
/// </summary>
internal sealed class MirrorHost : IAsyncDisposable
{
    /// <summary>The name of the key file in the storage folder.</summary>
    private const string KeyFile = ".can-key";

    private const string LeftOutHint = "stores of this program mirror them: edgesync can sync, or can serve --sync";

    private static readonly TimeSpan DialTimeMax = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan StatusTimeMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LimitInterval = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<SyncQuestion, SyncEffect.Ask> _questions = [];
    private readonly MirrorSettings _settings;
    private readonly AssetStore _assets;
    private readonly MirrorStore _store;
    private readonly IMirrorContents _contents;
    private readonly SecretKey? _key;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly RunningTasks _tasks;
    private readonly RunningTasks _diskTasks;
    private readonly MirrorDisk _disk;
    private readonly MirrorLoop _loop;
    private readonly MirrorFeed _feed;
    private readonly MirrorEndpoint _endpoint;
    private readonly MirrorDiscovery _discovery;
    private long _session;
    private long? _limit;
    private volatile MirrorStatus? _status;

    private MirrorHost(
        MirrorSettings settings, AssetStore assets, MirrorStore store, IMirrorContents contents, SecretKey? key,
        ISharedEndpoint? shared,
        SyncKeys keys, TimeProvider clock, ILogger log, Action<Exception> failed)
    {
        (_settings, _assets, _store, _contents, _key) = (settings, assets, store, contents, key);
        (_clock, _log) = (clock, log);
        (_tasks, _diskTasks) = (new RunningTasks(failed, log), new RunningTasks(failed, log));
        _disk = new MirrorDisk(_diskTasks);
        _loop = new MirrorLoop(store, clock, log);
        _feed = new MirrorFeed(assets, store, contents, _loop);
        _endpoint = new MirrorEndpoint(settings, key, shared, keys.LanTag, clock, log);
        _discovery = new MirrorDiscovery(_endpoint, settings, _loop, _tasks, NewPrng(), clock, log);
    }

    public EndpointId Id => _endpoint.Id;

    /// <summary>The ways to this endpoint as one word.</summary>
    public string Ticket => _endpoint.Ticket;

    /// <summary>It uses the endpoint of the node.</summary>
    public bool IsShared => _endpoint.IsShared;

    /// <summary>Opens the mirror's part of a store, and begins.</summary>
    /// <param name="settings">With a passphrase.</param>
    /// <param name="assets">Stays the caller's, which closes it later.</param>
    /// <param name="clock">Of deadlines and stamps.</param>
    /// <param name="log">Of connections and questions.</param>
    /// <param name="failed">Takes a bug.</param>
    /// <param name="shared">The endpoint of the node; null: the mirror has one of its own.</param>
    /// <param name="contentsOf">Where contents are; null: in the store's folder.</param>
    /// <exception cref="EdgeSyncException">The key cannot be read, or an address not be bound.</exception>
    public static async Task<MirrorHost> StartAsync(
        MirrorSettings settings, AssetStore assets, TimeProvider clock, ILogger log, Action<Exception> failed,
        ISharedEndpoint? shared = null, Func<MirrorStore, IMirrorContents>? contentsOf = null)
    {
        Invariant.Require(settings.Passphrase is not null);
        var keys = await Task.Run(() => SyncKeys.Derive(settings.Passphrase, settings.Group, settings.Stretch));
        var store = await assets.OpenMirrorAsync(SystemEntropy.Instance);
        if (settings.HasOriginals) store.KeepDeletions();
        MirrorHost host;
        SecretKey? key = null;
        try
        {
            if (shared is null) key = KeyOf(settings, assets, log);
            host = new MirrorHost(
                settings, assets, store, contentsOf?.Invoke(store) ?? store.Contents, key, shared, keys, clock, log,
                failed);
        }
        catch
        {
            key?.Dispose();
            store.Dispose();
            throw;
        }

        host.Begin(keys, failed);
        return host;
    }

    /// <summary>Moves an asset into the trash, everywhere; null when it does not exist.</summary>
    /// <exception cref="EdgeSyncException">Deletions are stopped.</exception>
    public async Task<Asset?> TrashAsync(AssetHash hash)
    {
        var outcome = await _loop.InvokeAsync((node, at) =>
        {
            _feed.Reflect(node, at, hash, _store.Handled);
            return node.Edit(at, hash, [(RecordField.Trashed, SyncRecord.On)]);
        });
        RequireNotStopped(outcome);
        // One that no record stands for: its content is corrupt, and no store has it.
        return _assets.Find(hash) is { IsTrashed: false } ? await _assets.TrashAsync(hash) : _assets.Find(hash);
    }

    /// <summary>Deletes an asset for good, everywhere; false when it does not exist.</summary>
    /// <exception cref="EdgeSyncException">Deletions are stopped.</exception>
    public async Task<bool> DeleteAsync(AssetHash hash)
    {
        var wasThere = _assets.Find(hash) is not null;
        var outcome = await _loop.InvokeAsync((node, at) =>
        {
            _feed.Reflect(node, at, hash, _store.Handled);
            return node.Purge(at, hash);
        });
        RequireNotStopped(outcome);
        if (_assets.Find(hash) is not null) await _assets.DeleteAsync(hash);
        return wasThere;
    }

    /// <summary>No content is fetched or sent until it is resumed.</summary>
    public Task PauseAsync(bool isPaused) => _loop.InvokeAsync((node, at) =>
    {
        if (isPaused) node.Pause(at);
        else node.Resume(at);
        return true;
    });

    /// <summary>A person has decided a question.</summary>
    /// <returns>False when it is not open.</returns>
    public async Task<bool> AnswerAsync(SyncQuestion question, bool isMeant)
    {
        IReadOnlyList<AssetHash> takenBack = [];
        var isOpen = await _loop.InvokeAsync((node, at) =>
        {
            if (!_questions.Remove(question)) return false;

            node.Answer(at, question, isMeant);
            if (question == SyncQuestion.LocalDeletes) takenBack = _feed.Decide(node, at, isMeant);
            return true;
        });
        foreach (var hash in takenBack) await TakeBackAsync(hash);
        if (takenBack.Count > 0)
        {
            await _loop.InvokeAsync((node, at) =>
            {
                node.OnContentLost(at, [.. takenBack.Where(h => !_store.HasContent(h))]);
                return true;
            });
            await _loop.InvokeAsync((node, at) =>
            {
                if (_questions.Remove(SyncQuestion.MissingContent))
                    node.Answer(at, SyncQuestion.MissingContent, isMeant: true);
                return true;
            });
        }

        if (isOpen) _log.CanAnswered(NameOf(question), isMeant);
        return isOpen;
    }

    /// <summary>A store does not come back: deletions are not kept for it any longer.</summary>
    /// <returns>False when it is unknown.</returns>
    public Task<bool> RetireAsync(StoreId store) => _loop.InvokeAsync((node, at) => node.Retire(at, store));

    /// <summary>The state of now; while the disk holds up the mirror, the last one.</summary>
    public async Task<MirrorStatus> StatusAsync(CancellationToken cancellationToken = default)
    {
        var reading = _loop.InvokeAsync((node, _) => StatusOf(node), cancellationToken);
        if (_status is { } last)
        {
            var patience = Task.Delay(StatusTimeMax, _clock, cancellationToken);
            if (await Task.WhenAny(reading, patience) == patience && !cancellationToken.IsCancellationRequested)
                return last;
        }

        return _status = await reading;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _discovery.DisposeAsync();
        await _endpoint.DisposeAsync();
        await _tasks.DisposeAsync();
        _disk.Dispose();
        await _diskTasks.DisposeAsync();
        await _loop.DisposeAsync();
        _store.Dispose();
        _key?.Dispose();
        _stop.Dispose();
        _log.CanMirrorStopped(_assets.Root);
    }

    /// <summary>The name of a question, in commands and messages.</summary>
    public static string NameOf(SyncQuestion question) => question switch
    {
        SyncQuestion.PeerDeletes => "peer-deletions",
        SyncQuestion.LocalDeletes => "own-deletions",
        _ => "missing-content",
    };

    private void Begin(SyncKeys keys, Action<Exception> failed)
    {
        var options = _settings.Core with { Name = _settings.Name };
        var node = new SyncNode(_store, keys, Id, options, SystemEntropy.Instance, NewPrng(), _loop.Now);
        _limit = LimitNow();
        node.SetLimit(_loop.Now, _limit);
        if (_settings.Originals.Count > 0) node.SetOriginals(_loop.Now, _settings.Originals);
        _loop.Start(node, CarryOut, failed);
        _tasks.Start(() => _feed.RunAsync(_stop.Token));
        _tasks.Start(() => _endpoint.RunAsync(Accept, _stop.Token));
        if (_settings.Limit.Hours.Count > 0) _tasks.Start(FollowLimitAsync);
        _discovery.Start(
            _settings.IsCompatible ? [keys, SyncKeys.Compatible(_settings.Passphrase!, keys)] : [keys],
            _endpoint.Found);
        _log.CanMirrorStarted(
            _store.Id.ToString(), Id.ToString(), _settings.Name,
            string.Join(' ', _endpoint.Bound.Select(b => b.ToString())));
    }

    private static SecretKey KeyOf(MirrorSettings settings, AssetStore assets, ILogger log)
    {
        var file = settings.Iroh.KeyFile ?? Path.Combine(assets.Root, KeyFile);
        if (!File.Exists(file) && EndpointSettings.ServersOf(settings.Iroh) is { Count: > 0 } servers)
            log.CanServers(string.Join(' ', servers), settings.ServersHint);
        return EndpointKeyFile.Ensure(file);
    }

    private static Prng NewPrng()
    {
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        SystemEntropy.Instance.Fill(seed);
        return new Prng(BitConverter.ToUInt64(seed));
    }

    private long? LimitNow()
    {
        var now = _clock.GetLocalNow();
        return _settings.Limit.At((now.Hour * 60) + now.Minute);
    }

    private async Task FollowLimitAsync()
    {
        while (true)
        {
            await Task.Delay(LimitInterval, _clock, _stop.Token);
            var limit = LimitNow();
            _loop.Post((node, at) =>
            {
                _limit = limit;
                node.SetLimit(at, limit);
            });
        }
    }

    private void Accept(IrohConnection connection)
    {
        if (connection.Alpn == MirrorSettings.Protocol) _tasks.Start(() => ServeAsync(connection));
        else if (connection.Alpn != CompatFrames.Protocol) _discovery.Gossip.Accept(connection);
        else if (_endpoint.IsOriginal(connection.Peer)) _tasks.Start(() => ServeAsync(connection));
        else
        {
            _log.CanOriginalRefused(connection.Peer.ToString(), $"sync_original: {connection.Peer}");
            connection.Close((ulong)SyncClose.Passphrase, "not named here");
        }
    }

    private async Task ServeAsync(IrohConnection connection)
    {
        var session = new MirrorSession(Interlocked.Increment(ref _session), connection, _loop, _tasks);
        _loop.Add(session);
        // The end closes those that it sees: of the node's endpoint others may come after it.
        if (_stop.IsCancellationRequested) connection.Close(0, "");
        await session.RunAsync();
    }

    private async Task DialAsync(EndpointId peer)
    {
        using var patience = new CancellationTokenSource(DialTimeMax, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop.Token);
        IrohConnection connection;
        try
        {
            if (!_endpoint.Admits(peer))
                throw new EdgeSyncException(ErrorKind.Denied, "it is not one of those that may take part");
            connection = await _endpoint.ConnectAsync(_discovery.AddressOf(peer), either.Token);
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            _log.CanDialFailed(peer.ToString(), e is OperationCanceledException ? "no answer" : e.Message);
            _loop.Post((node, at) => node.OnDialFailed(at, peer));
            return;
        }

        await ServeAsync(connection);
    }

    // Within the loop; nothing here waits.
    private void CarryOut(SyncEffect effect)
    {
        switch (effect)
        {
            case SyncEffect.Dial dial: _tasks.Start(() => DialAsync(dial.Peer)); break;
            case SyncEffect.Send send: _loop.Find(send.Session)?.Send(send); break;
            case SyncEffect.EndLane end: _loop.Find(end.Session)?.EndLane(end.Lane, end.IsAbort); break;
            case SyncEffect.Close close: _loop.Find(close.Session)?.Close(close.Code, close.Reason); break;
            case SyncEffect.ReadGroup read: _disk.Start(read.Hash, () => ReadAsync(read)); break;
            case SyncEffect.WriteGroup write: _disk.Start(write.Hash, () => WriteAsync(write)); break;
            case SyncEffect.Commit commit: _disk.Start(commit.Hash, () => BeginCommit(commit)); break;
            case SyncEffect.WriteArrival write: _disk.Start(write.Arrival, () => WriteAsync(write)); break;
            case SyncEffect.CommitArrival commit: _disk.Start(commit.Arrival, () => BeginCommit(commit)); break;
            case SyncEffect.DropArrival drop: _disk.Start(drop.Arrival, () => DropAsync(drop.Arrival)); break;
            // What it finds is a change of the store, which the feed tells.
            case SyncEffect.Verify verify:
                _disk.Start(verify.Hash, () => _contents.VerifyAsync(verify.Hash, _stop.Token));
                break;
            case SyncEffect.Ask ask:
                _questions[ask.Question] = ask;
                _log.CanQuestion(
                    NameOf(ask.Question), ask.Count, ask.Assets, $"edgesync can answer {NameOf(ask.Question)}");
                break;
            case SyncEffect.Report report: Report(report); break;
        }
    }

    private async Task ReadAsync(SyncEffect.ReadGroup read)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(read.Count);
        var isRead = await _contents.TryReadAsync(read.Hash, read.Offset, bytes.AsMemory(0, read.Count), _stop.Token);
        if (isRead) Instruments.CanMirrorSent.Add(read.Count);
        _loop.Post((node, at) =>
        {
            node.OnGroupRead(
                at, read.Token, isRead ? bytes.AsMemory(0, read.Count) : default(ReadOnlyMemory<byte>?));
            ArrayPool<byte>.Shared.Return(bytes);
        });
    }

    private Task WriteAsync(SyncEffect.WriteGroup write)
    {
        var isWritten = _contents.Write(
            write.Hash, write.TimestampMs, write.Tree, write.Group, write.Bytes.Span);
        if (isWritten) Instruments.CanMirrorReceived.Add(write.Bytes.Length);
        if (MemoryMarshal.TryGetArray(write.Bytes, out var rented)) ArrayPool<byte>.Shared.Return(rented.Array!);
        _loop.Post((node, at) => node.OnGroupWritten(at, write.Token, isWritten));
        return Task.CompletedTask;
    }

    private Task WriteAsync(SyncEffect.WriteArrival write)
    {
        var isWritten = _contents.WriteArrival(write.Arrival, write.Offset, write.Bytes.Span);
        if (isWritten) Instruments.CanMirrorReceived.Add(write.Bytes.Length);
        if (MemoryMarshal.TryGetArray(write.Bytes, out var rented)) ArrayPool<byte>.Shared.Return(rented.Array!);
        _loop.Post((node, at) => node.OnGroupWritten(at, write.Token, isWritten));
        return Task.CompletedTask;
    }

    private Task DropAsync(long arrival)
    {
        try
        {
            _contents.DropArrival(arrival);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start removes it.
        }

        return Task.CompletedTask;
    }

    // Others of the same worker go on meanwhile, so that commits share a flush.
    private Task BeginCommit(SyncEffect.Commit commit)
    {
        BeginCommit(commit.Hash, commit.TimestampMs, commit.Tree);
        return Task.CompletedTask;
    }

    private Task BeginCommit(SyncEffect.CommitArrival commit)
    {
        if (_contents.TakeArrival(commit.Arrival, commit.Hash, commit.Tree))
            BeginCommit(commit.Hash, commit.TimestampMs, commit.Tree);
        else _loop.Post((node, at) => node.OnCommitted(at, commit.Hash, CommitOutcome.Failed));
        return Task.CompletedTask;
    }

    private void BeginCommit(AssetHash hash, long timestampMs, ContentTree tree) => _diskTasks.Start(async () =>
    {
        var outcome = await _contents.CommitAsync(hash, timestampMs, tree, _stop.Token);
        _loop.Post((node, at) => node.OnCommitted(at, hash, outcome));
    });

    private void Report(SyncEffect.Report report)
    {
        switch (report.Event)
        {
            case "can.peer_connected": _log.CanPeerConnected(report.Detail); break;
            case "can.peer_closed": _log.CanPeerClosed(report.Detail); break;
            case "can.clock_corrected": _log.CanClockCorrected(report.Detail); break;
            case "can.identity_mismatch": _log.CanIdentityMismatch(report.Detail); break;
            case "can.original_left_out":
                _log.CanOriginalLeftOut(long.Parse(report.Detail, CultureInfo.InvariantCulture), LeftOutHint);
                break;
            default: _log.CanWriteFailed(report.Detail); break;
        }
    }

    private async Task TakeBackAsync(AssetHash hash)
    {
        if (_assets.Find(hash) is { IsTrashed: true }) await _assets.RestoreAsync(hash);
        else await _store.RemoveTombstoneAsync(hash);
    }

    private static void RequireNotStopped(LocalOutcome outcome)
    {
        if (outcome == LocalOutcome.Stopped)
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                "deletions are stopped: more than 50 assets, and more than a fifth of all, within ten minutes",
                $"edgesync can answer {NameOf(SyncQuestion.LocalDeletes)} --yes, if they are meant");
    }

    private MirrorStatus StatusOf(SyncNode node)
    {
        var names = node.Replica.Stores.ToDictionary(s => s[RecordField.Store] ?? "", s => s[RecordField.Name] ?? "");
        var peers = node.Peers()
            .Select(p => PeerOf(p, names.GetValueOrDefault(p.Store?.ToString() ?? "", ""))).ToList();
        var connected = peers.Select(p => p.Store).ToHashSet(StringComparer.Ordinal);
        var own = _store.Id.ToString();
        return new MirrorStatus(
            own, Id.ToString(), _settings.Name, Ticket, node.Missing, node.IsPaused, _limit,
            node.Replica.DeletionCount, [.. _questions.Keys.Order().Select(NameOf)], peers,
            [.. node.Replica.Stores
                .Select(s => new MirrorStoreStatus(
                    s[RecordField.Store] ?? "", s[RecordField.Name] ?? "", s[RecordField.Endpoint] ?? "",
                    s[RecordField.Store] == own || connected.Contains(s[RecordField.Store] ?? "")))
                .OrderBy(s => s.Name, StringComparer.Ordinal).ThenBy(s => s.Store, StringComparer.Ordinal)]);
    }

    private MirrorPeerStatus PeerOf(PeerStatus peer, string name)
    {
        var route = _loop.Find(peer.Session)?.Connection.Route;
        return new MirrorPeerStatus(
            peer.Peer.ToString(), peer.Store?.ToString() ?? "", name,
            peer.Store is null ? CompatFrames.Protocol : MirrorSettings.Protocol, peer.IsInSync,
            route is null ? null : route.IsRelayed ? "relay" : "direct", route?.Address,
            route?.RoundTrip.TotalMilliseconds, peer.Downloads, peer.Uploads, peer.Missing);
    }
}
