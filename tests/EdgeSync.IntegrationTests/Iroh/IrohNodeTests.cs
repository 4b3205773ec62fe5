using EdgeSync.Agent;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Control;
using EdgeSync.Node.Daemon;
using EdgeSync.Node.Host;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Mesh;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Users;
using EdgeSync.Tests.Support;
using TargetStatus = EdgeSync.Node.Status.TargetStatus;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>Nodes that reach each other by iroh alone, over loopback.</summary>
public sealed class IrohNodeTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new("iroh");

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task A_commit_on_one_node_is_pushed_to_the_other_over_a_stream()
    {
        var (first, second) = Copies();
        await using var a = await StartAsync(first, nats: false, peers: [IdOf(second)]);
        await using var b = await StartAsync(second, nats: false, peers: [TicketOf(a)]);
        await UntilInSyncAsync(b, second);

        var id = Commit(second, "from b");
        b.NotifyChanged(second);

        await UntilHeldAsync(first, id);
        var peer = (await a.StatusAsync(Cancellation)).Iroh!.Peers.Single();
        Assert.Equal((IdOf(second), "settings", "direct"), (peer.EndpointId, peer.Origin, peer.Route));
        Assert.Equal("gio", peer.Capabilities["first"]);

        // It was dialled by the other one, and carries exchanges in both directions.
        id = Commit(first, "from a");
        a.NotifyChanged(first);
        await UntilHeldAsync(second, id);
        Assert.Equal(1, (await a.StatusAsync(Cancellation)).Iroh!.Peers.Single().Connections);
    }

    [Test]
    public async Task An_unknown_endpoint_gets_a_refusal_until_it_is_trusted()
    {
        var (first, second) = Copies();
        await using var a = await StartAsync(first, nats: false);
        await using var b = await StartAsync(second, nats: false, peers: [TicketOf(a)]);

        await Patience.UntilAsync(
            async () => TargetsOf(await b.StatusAsync(Cancellation)).Any(t => t.NeedsPerson), Long,
            () => "the refusal");
        Assert.Contains(
            $"does not know this one, {IdOf(second)}",
            TargetsOf(await b.StatusAsync(Cancellation)).Single().LastError!, StringComparison.Ordinal);
        Assert.Equal(0, (await a.StatusAsync(Cancellation)).Iroh!.Exchanges);

        Trust(first, IdOf(second), "o");
        await AskAsync(first, new ControlRequest("users"));
        var id = Commit(first, "for readers");
        await b.SyncAsync(second, Cancellation);
        await UntilHeldAsync(second, id);

        // It may read, and nothing else.
        var refused = Commit(second, "not for a");
        await b.SyncAsync(second, Cancellation);
        Assert.False(Holds(first, refused));

        using (var repository = Repository.Open(first)) repository.TrustedPeers.Remove(IdOf(second));
        await AskAsync(first, new ControlRequest("users"));
        await Patience.UntilAsync(
            async () => (await a.StatusAsync(Cancellation)).Iroh!.Peers.Count == 0, Long, () => "the end of trust");
        Assert.All(await b.SyncAsync(second, Cancellation), r => Assert.Equal("failed", r.Status));
    }

    [Test]
    public async Task Brokers_are_linked_so_that_a_commit_is_announced_and_fetched_and_again_after_a_restart()
    {
        var (first, second) = Copies();
        // The first one knows no way to the second: it can push nothing, only announce.
        Trust(first, IdOf(second), "gio");
        await using var a = await StartAsync(first, nats: true);
        var ticket = TicketOf(a);
        for (var run = 0; run < 2; run++)
        {
            await using var b = await StartAsync(second, nats: true, peers: [ticket]);
            await UntilLinkedAsync(a);
            await UntilLinkedAsync(b);

            var id = Commit(first, $"announced {run}");
            a.NotifyChanged(first);

            await UntilHeldAsync(second, id);
            Assert.Empty((await a.StatusAsync(Cancellation)).Repositories[0].Targets.Where(
                t => t.Target.StartsWith("http:", StringComparison.Ordinal)));
        }
    }

    [Test]
    public async Task Two_leaves_that_both_dial_end_with_one_link()
    {
        var (first, second) = Copies();
        await using var a = await StartAsync(first, nats: true, role: NodeRole.Leaf, peers: [IdOf(second)]);
        await using var b = await StartAsync(second, nats: true, role: NodeRole.Leaf, peers: [TicketOf(a)]);

        await UntilLinkedAsync(a);
        await UntilLinkedAsync(b);
        await Patience.UntilAsync(
            async () => (await a.StatusAsync(Cancellation)).Broker!.LeafNodes == 1
                && (await b.StatusAsync(Cancellation)).Broker!.LeafNodes == 1,
            Long, () => "one link");
    }

    [Test]
    public async Task A_stream_that_is_refused_says_why_by_its_code()
    {
        var (first, second) = Copies();
        using var key = EndpointKeyFile.Ensure(_folder["stranger.key"]);
        Trust(first, key.Id.ToString(), "g");
        Trust(second, IdOf(first), "gio");
        await using var a = await StartAsync(first, nats: false);
        await using var stranger = IrohEndpoint.Start(
            new IrohEndpointOptions(key) { Bind = [new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0)] },
            SystemEntropy.Instance, TimeProvider.System);
        var connections = new PeerConnections(stranger, TimeProvider.System);
        var address = IrohPeer.Parse(TicketOf(a));
        connections.Learn(address);

        Assert.Equal(IrohProtocol.Malformed, await CodeOfAsync([]));
        Assert.Equal(IrohProtocol.Malformed, await CodeOfAsync("/name without an end"u8.ToArray()));
        Assert.Equal(IrohProtocol.Malformed, await CodeOfAsync([0, 0, 1, 0, 1, 2, 3]));
        Assert.Equal(IrohProtocol.TooLarge, await CodeOfAsync([0x60, 0, 0, 0, 0x78, 0x9c]));
        Assert.Equal(IrohProtocol.NotFound, await CodeOfAsync([1], IrohProtocol.NatsLeaf));

        async Task<ulong> CodeOfAsync(byte[] request, string protocol = IrohProtocol.Xfer)
        {
            await using var stream = await connections.OpenStreamAsync(address.Id, protocol, Cancellation);
            await stream.WriteLastAsync(request, Cancellation);
            return (await Assert.ThrowsAsync<QuicStreamException>(
                async () => await stream.ReadExactlyAsync(new byte[1], Cancellation))).Code;
        }
    }

    [Test]
    public async Task A_machine_is_paired_by_a_code_that_works_once()
    {
        var (first, second) = Copies();
        await using var a = await StartAsync(first, nats: false);
        var code = (await AskAsync(first, new ControlRequest("pair") { Capabilities = "go" })).Code!;
        Assert.True((await a.StatusAsync(Cancellation)).Iroh!.IsPairing);

        var presented = PairClient.RunAsync(code, second, "second", null, TimeProvider.System, Cancellation);
        var candidate = (await AskAsync(first, new ControlRequest("pair_wait"))).Candidate!;
        Assert.Equal((IdOf(second), "second", "go"), (candidate.Id, candidate.Name, candidate.Capabilities));
        Assert.False(presented.IsCompleted);
        await AskAsync(first, new ControlRequest("pair_answer") { Peer = candidate.Id, Accepts = true });

        var paired = await presented;
        Assert.Equal(("go", TicketOf(a)), (paired.Capabilities, paired.Ticket));
        Assert.Equal("go", (await a.StatusAsync(Cancellation)).Iroh!.Peers.Single().Capabilities["first"]);
        Assert.False((await a.StatusAsync(Cancellation)).Iroh!.IsPairing);

        var again = await Assert.ThrowsAsync<EdgeSyncException>(
            () => PairClient.RunAsync(code, _folder["third.fossil"], "third", null, TimeProvider.System, Cancellation));
        Assert.Equal(ErrorKind.Denied, again.Kind);
    }

    [Test]
    public async Task A_machine_that_is_refused_is_not_trusted()
    {
        var (first, second) = Copies();
        await using var a = await StartAsync(first, nats: false);
        var code = (await AskAsync(first, new ControlRequest("pair"))).Code!;

        var presented = PairClient.RunAsync(code, second, "second", null, TimeProvider.System, Cancellation);
        var candidate = (await AskAsync(first, new ControlRequest("pair_wait"))).Candidate!;
        await AskAsync(first, new ControlRequest("pair_answer") { Peer = candidate.Id, Accepts = false });

        Assert.Equal(ErrorKind.Denied, (await Assert.ThrowsAsync<EdgeSyncException>(() => presented)).Kind);
        Assert.Empty((await a.StatusAsync(Cancellation)).Iroh!.Peers);
    }

    [Test]
    public async Task A_reload_changes_peers_and_relays_of_a_running_endpoint()
    {
        var (first, second) = Copies();
        await using var relay = await IrohPair.StartRelayAsync();
        await using var another = await IrohPair.StartRelayAsync();
        await using var b = await StartAsync(second, nats: false, peers: [IdOf(first)]);
        using var lines = new StringWriter();
        var log = TextWriter.Synchronized(lines);
        var loaded = Loaded([], relay.Url);
        await using var a = await NodeDaemon.StartAsync(
            () => loaded, "leaf", log, isVerbose: false, TimeProvider.System, Cancellation);
        await UntilOnlineAsync(a, relay.Url);

        loaded = Loaded([TicketOf(b)], another.Url);
        await a.ReloadAsync(Cancellation);
        await UntilOnlineAsync(a, another.Url);
        var id = Commit(first, "for the new peer");
        a.OnChanged(first);
        await UntilHeldAsync(second, id);

        loaded = Loaded([], "off");
        loaded.Settings.Iroh.Bind = "127.0.0.1:1";
        await a.ReloadAsync(Cancellation);
        Assert.Null(a.Iroh!.Endpoint.Relay);
        Assert.Empty(a.Iroh.Address.Relays);
        Assert.All(await b.SyncAsync(second, Cancellation), r => Assert.Equal("failed", r.Status));
        await Patience.UntilAsync(
            () => Logged().Split('\n').Any(l => l.Contains("restart", StringComparison.Ordinal)
                && l.Contains("iroh.bind", StringComparison.Ordinal)
                && !l.Contains("iroh.peers", StringComparison.Ordinal)),
            Long, Logged);

        // The writer locks itself for each call.
        string Logged()
        {
            lock (log) return lines.ToString();
        }

        LoadedSettings Loaded(string[] peers, string url)
        {
            var settings = SettingsOf(first, nats: false, peers, NodeRole.Peer);
            settings.Iroh.Relays = [url];
            return new LoadedSettings(settings, File: null, Values: [], FileHoldsSecret: false);
        }
    }

    // Two copies of one project, each with the key of its node.
    private (string First, string Second) Copies()
    {
        var (first, second) = (_folder["first.fossil"], _folder["second.fossil"]);
        using (var repository = Repository.Create(first, new RepositoryCreateOptions { NobodyCapabilities = "" }))
        {
        }

        File.Copy(first, second);
        foreach (var path in new[] { first, second }) EndpointKeyFile.Ensure(path + ".iroh-key").Dispose();
        return (first, second);
    }

    private Task<NodeHost> StartAsync(
        string path, bool nats, IReadOnlyList<string>? peers = null, NodeRole role = NodeRole.Peer) =>
        NodeHost.StartAsync(SettingsOf(path, nats, peers ?? [], role), options: null, Cancellation);

    private NodeSettings SettingsOf(string path, bool nats, IReadOnlyList<string> peers, NodeRole role)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        return new NodeSettings
        {
            Node = { Name = name, ControlSocket = _folder[$"{name}.sock"], DataDir = _folder[$"{name}.state"] },
            Nats = { Enabled = nats, Role = role },
            Iroh =
            {
                Enabled = true, Bind = "127.0.0.1:0", Discovery = IrohDiscoveryMode.Off, Relays = ["off"],
                Peers = [.. peers],
            },
            Repositories = [new RepositorySettings { Path = path, Poll = TimeSpan.FromHours(1) }],
        };
    }

    private Task<ControlReply> AskAsync(string path, ControlRequest request) => ControlClient.AskAsync(
        _folder[$"{Path.GetFileNameWithoutExtension(path)}.sock"], request, Cancellation);

    private static string TicketOf(NodeHost node) => node.Addresses["iroh"];

    private static string IdOf(string path)
    {
        using var key = EndpointKeyFile.Ensure(path + ".iroh-key");
        return key.Id.ToString();
    }

    private static void Trust(string path, string id, string capabilities)
    {
        using var repository = Repository.Open(path);
        repository.TrustedPeers.Set(new TrustedPeer(id, capabilities, repository.Now));
    }

    private static ArtifactId Commit(string path, string comment)
    {
        using var repository = Repository.Open(path);
        return repository.Commit(new CommitOptions
        {
            User = "ann",
            Comment = comment,
            FollowsBranch = true,
            Changes = [FileChange.Put("file.txt", System.Text.Encoding.UTF8.GetBytes(comment))],
        }).Id;
    }

    private static bool Holds(string path, ArtifactId id)
    {
        using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
        return Arrivals.Holds(repository, id);
    }

    private static IEnumerable<TargetStatus> TargetsOf(NodeStatus status) =>
        status.Repositories[0].Targets.Where(t => t.Target.StartsWith("http:iroh:", StringComparison.Ordinal));

    private static Task UntilHeldAsync(string path, ArtifactId id) =>
        Patience.UntilAsync(() => Holds(path, id), Long, () => $"{id} in {path}");

    private static Task UntilOnlineAsync(NodeDaemon node, string url) => Patience.UntilAsync(
        () => node.Iroh!.Endpoint.Relay is { IsOnline: true } relay && relay.Url == IrohPair.UrlOf(url), Long,
        () => $"{url} is the home relay, not {node.Iroh!.Endpoint.Relay}");

    private static Task UntilLinkedAsync(NodeHost node) => Patience.UntilAsync(
        async () => (await node.StatusAsync(Cancellation)).Iroh!.Peers.Single().BrokerLinked, Long,
        () => $"the link of {node.NodeId}");

    private static Task UntilInSyncAsync(NodeHost node, string path) => Patience.UntilAsync(
        async () => TargetsOf(await node.StatusAsync(Cancellation)).All(t => t.LastAgreedAt is not null), Long,
        () => $"{path} in sync");
}
