using System.Buffers;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation;

/// <summary>What to run; the seed decides all the rest.</summary>
internal sealed record WorldOptions(ulong Seed, Severity Severity, bool OnSqlite, bool KeepsTrace = false);

/// <summary>
/// Some repositories, a workload in them, and a network, in one thread under one clock. For a while everything may
/// go wrong; then the faults end, all sync with all, and the invariants must hold.
/// </summary>
internal sealed class World : IDisposable
{
    private const int HealingPassesMax = 12;

    private static readonly TimeSpan ReplyTimeout = TimeSpan.FromSeconds(5);
    private static readonly Instant Epoch = Instant.FromUnixSeconds(1_700_000_000);

    private readonly WorldOptions _options;
    private readonly Prng _prng;
    private readonly Weather _weather;
    private readonly SimFaults _faults;
    private readonly Network _network;
    private readonly Workload _workload;
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private long _order;
    private long _messages;

    public World(WorldOptions options)
    {
        _options = options;
        _prng = new Prng(options.Seed * 3 + (ulong)options.Severity);
        _weather = Weather.Of(options.Severity);
        Trace = new Trace(options.KeepsTrace);
        _faults = new SimFaults(_prng.Fork(), _weather);
        _network = new Network(_prng.Fork(), _weather, (delay, m) => After(delay, () => Receive(m)), Note);
        _workload = new Workload(_prng.Fork());
        var count = _prng.NextInt32(2, options.OnSqlite ? 4 : 7);
        for (var i = 0; i < count; i++) Nodes.Add(MakeNode(i));
    }

    public Instant Now { get; private set; } = Epoch;

    public List<SimNode> Nodes { get; } = [];

    public Trace Trace { get; }

    public IReadOnlySet<ArtifactId> PrivateIds => _workload.Private;

    public IReadOnlySet<ArtifactId> ShunnedIds => _workload.Shunned;

    public int SessionsEnded { get; private set; }

    /// <summary>Runs everything; answers the invariants that do not hold.</summary>
    public List<string> Run()
    {
        var steps = _prng.NextInt32(5, _options.OnSqlite ? 25 : 50);
        for (var i = 0; i < steps; i++)
        {
            After(TimeSpan.FromMilliseconds(_prng.NextInt32(60_000)), Work);
            After(TimeSpan.FromMilliseconds(_prng.NextInt32(60_000)), StartSomeSync);
            if (i % 4 == 0)
                After(TimeSpan.FromMilliseconds(_prng.NextInt32(60_000)), () => _network.Shake(Nodes.Count));
        }

        RunEvents();
        Heal();
        return [.. Invariants.AllInvariants.Broken(this)];
    }

    public void Dispose()
    {
        foreach (var node in Nodes) node.Dispose();
        Trace.Dispose();
    }

    private SimNode MakeNode(int index)
    {
        // In some worlds a node starts empty and has to clone first.
        var isEmpty = index > 0 && _prng.Chance(0.25);
        if (_options.OnSqlite) return new SqliteNode(index, _prng.NextUInt64(), Epoch, isEmpty);

        var store = SampleProject.Create("sxy", code: isEmpty ? null : SampleProject.Code);
        return new MemoryNode(index, store);
    }

    private void Work()
    {
        var node = Nodes[_prng.NextInt32(Nodes.Count)];

        // No work in a repository before its clone is complete.
        if (NeedsClone(node) || IsCloning(node)) return;

        Note($"{node.Name} {_workload.Step(node, Now)}");
    }

    private static bool IsCloning(SimNode node) =>
        node.Session is { Actions: var actions } && (actions & SyncActions.Clone) != 0;

    // --- sync --------------------------------------------------------------------------------------------------------

    private void StartSomeSync()
    {
        var client = Nodes[_prng.NextInt32(Nodes.Count)];
        var server = _prng.NextInt32(Nodes.Count);
        if (server == client.Index || client.Session is not null) return;

        var actions = _prng.NextInt32(8) switch
        {
            0 => SyncActions.Pull,
            1 => SyncActions.Push,
            2 => SyncActions.Unversioned,
            3 => SyncActions.Sync | SyncActions.Private,
            4 => SyncActions.Sync | SyncActions.Verily,
            5 => SyncActions.Tables,
            _ => SyncActions.Sync | SyncActions.Unversioned | SyncActions.Tables,
        };
        StartSync(client, server, actions);
    }

    private void StartSync(SimNode client, int server, SyncActions actions)
    {
        if (NeedsClone(client))
            actions = SyncActions.Clone | (actions & (SyncActions.Unversioned | SyncActions.Tables));
        if (!IsReady(Nodes[server])) return;

        var options = SampleProject.Options(actions) with
        {
            Faults = _faults,
            ConfigPull = ConfigAreas.None,
            RequestBytesFirst = _prng.Pick<int>([500, 5_000, 1 << 20]),
            PeerKey = $"n{server}",
        };
        Note($"{client.Name} starts {actions} with n{server}");
        client.Session = new SimSession(
            new ClientSession(client.Store, options, new SeededEntropy(_prng.NextUInt64())), server, actions)
        {
            Started = Now,
        };
        SendRequest(client);
    }

    private bool NeedsClone(SimNode node) =>
        node.Read(Now, s => s.ProjectCode is null || s.Config.Get("edgesync-clone-seqno") is not null);

    private bool IsReady(SimNode node) => !NeedsClone(node);

    private void SendRequest(SimNode client)
    {
        var session = client.Session;
        Invariant.Require(session is not null);
        var message = new ArrayBufferWriter<byte>();
        if (!session.Client.TryBuildRequest(Now, message))
        {
            EndSession(client);
            return;
        }

        session.Waiting = ++_messages;
        session.Attempts++;
        var body = Encode(XferEncoding.Zlib, message.WrittenSpan);
        Note($"{client.Name} request {session.Waiting} of {message.WrittenCount} to n{session.Server}");
        _network.Send(new SimMessage(session.Waiting, client.Index, session.Server, false, false, body));
        var number = session.Waiting;
        After(ReplyTimeout, () => OnTimeout(client, number));
    }

    private void EndSession(SimNode client)
    {
        var report = client.Session!.Client.Report;
        Note(
            $"{client.Name} ends: {report.Rounds} rounds, {report.ArtifactsReceived} in, {report.ArtifactsSent} out, "
                + $"{report.Fault?.Kind}");
        SessionsEnded++;
        client.Session.Dispose();
        client.Session = null;
    }

    private void OnTimeout(SimNode client, long number)
    {
        if (client.Session is not { } session || session.Waiting != number) return;

        Note($"{client.Name} waits in vain for {number}");
        session.Waiting = 0;
        session.Client.OnLost(tooLarge: !_network.IsHealed && _prng.Chance(0.1));
        if (session.Attempts >= SimSession.AttemptsMax) EndSession(client);
        else SendRequest(client);
    }

    private void Receive(SimMessage message)
    {
        if (message.IsReply) ReceiveReply(message);
        else ReceiveRequest(message);
    }

    private void ReceiveRequest(SimMessage message)
    {
        var server = Nodes[message.Server];
        if (message.IsCut || CrashesNow(server)) return;

        if (XferFrame.TryDecode(XferEncoding.Zlib, message.Body, 1 << 26, out var request) != XferFrameFault.None)
            return;

        using var reply = new PooledBytes();
        var outcome = new ServerHandler(server.Store, new ServerOptions
        {
            Faults = _faults,
            ReplyBytesMax = message.Number % 3 == 0 ? 2_000 : 5_000_000,
            GimmesMax = message.Number % 5 == 0 ? 5 : 500,
        }).Handle(Now, request, $"n{message.Client}", reply);
        Note(
            $"{server.Name} answers {message.Number}: {outcome.Operation} {outcome.ArtifactsReceived} "
                + $"{outcome.ArtifactsSent} {outcome.Error}");
        if (CrashesNow(server)) return;

        var encoding = outcome.MustBePlain ? XferEncoding.Plain : XferEncoding.Zlib;
        _network.Send(message with
        {
            IsReply = true,
            IsPlain = outcome.MustBePlain,
            Body = Encode(encoding, reply.Written.Span),
        });
    }

    private void ReceiveReply(SimMessage message)
    {
        var client = Nodes[message.Client];
        if (client.Session is not { } session || session.Waiting != message.Number) return;
        if (CrashesNow(client)) return;

        var encoding = message.IsPlain ? XferEncoding.Plain : XferEncoding.Zlib;
        var isBad = XferFrame.TryDecode(encoding, message.Body, 1 << 26, out var reply) != XferFrameFault.None;
        session.Waiting = 0;
        if (isBad || message.IsCut)
        {
            // Part of a streaming reply has been taken in when the end turns out to be missing.
            if (message.IsPlain)
            {
                session.Client.BeginReply(Now);
                session.Client.Feed(new ReadOnlySequence<byte>(message.Body), isFinal: false, out _);
            }

            session.Client.OnLost();
            if (session.Attempts >= SimSession.AttemptsMax) EndSession(client);
            else SendRequest(client);
            return;
        }

        session.Attempts = 0;
        TakeReply(client, session, reply);
    }

    private void TakeReply(SimNode client, SimSession session, ReadOnlyMemory<byte> reply)
    {
        session.Client.BeginReply(Now);
        var half = reply.Length / 2;
        var input = new ReadOnlySequence<byte>(reply);
        session.Client.Feed(input.Slice(0, half), isFinal: false, out var consumed);
        if (CrashesNow(client)) return;

        var taken = input.Slice(0, half).Slice(0, consumed).Length;
        session.Client.Feed(input.Slice(taken), isFinal: true, out _);
        if (CrashesNow(client)) return;

        session.Client.EndReply();
        if (CrashesNow(client)) return;

        SendRequest(client);
    }

    private bool CrashesNow(SimNode node)
    {
        if (_network.IsHealed || _weather.Crash == 0 || !_prng.Chance(_weather.Crash)) return false;

        Note($"{node.Name} dies");
        node.Crash();
        return true;
    }

    // --- healing -----------------------------------------------------------------------------------------------------

    private void Heal()
    {
        Note("healed");
        _network.Heal();
        _faults.IsOn = false;
        var before = "";
        for (var pass = 0; pass < HealingPassesMax; pass++)
        {
            foreach (var client in Nodes)
                foreach (var server in Nodes)
                {
                    if (server == client) continue;

                    StartSync(client, server.Index, SyncActions.Sync | SyncActions.Unversioned | SyncActions.Tables);
                    RunEvents();
                }

            var after = string.Join(' ', Nodes.Select(Fingerprint));
            if (after == before) return;

            before = after;
        }
    }

    private string Fingerprint(SimNode node) => node.Read(
        Now,
        s => $"{s.MaxRecordId} {s.Walk(ArtifactList.Public).Count()} {s.Unversioned.CatalogHash} "
            + $"{s.Walk(ArtifactList.Phantoms).Count()}");

    // --- clock -------------------------------------------------------------------------------------------------------

    private void After(TimeSpan delay, Action action) => _events.Enqueue(action, ((Now + delay).UnixTicks, _order++));

    private void RunEvents()
    {
        while (_events.TryDequeue(out var action, out var at))
        {
            Now = new Instant(at.At);
            action();
        }
    }

    private void Note(string text) => Trace.Add(Now, text);

    private static byte[] Encode(XferEncoding encoding, ReadOnlySpan<byte> message)
    {
        var output = new ArrayBufferWriter<byte>(message.Length / 2 + 64);
        XferFrame.Encode(encoding, message, output, System.IO.Compression.CompressionLevel.Fastest);
        return output.WrittenSpan.ToArray();
    }
}
