using System.Net;
using System.Net.Sockets;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Net.Nats.Leafnodes;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats.Leafnodes;

/// <summary>Either side goes away and comes back; links are cut at any moment.</summary>
public sealed class LeafAdversityTests
{
    [Test]
    public async Task A_real_hub_is_killed_and_comes_back()
    {
        await using var hub = new RealBus("hub");
        await using var leaf = await LeafBus.StartAsync("ours", "leaf", hub.LeafPort);
        await using var atLeaf = await leaf.ClientAsync();
        await atLeaf.SubscribeAsync("foo");
        await using (var before = await hub.ClientAsync()) await atLeaf.BeReachableFromAsync(before);

        hub.Server.Kill();
        await ((OurBus)leaf).UntilAsync(status => !status.IsConnected && status.LastError.Length > 0);
        await atLeaf.SubscribeAsync("bar");
        await atLeaf.SendAsync("UNSUB 1\r\n");
        hub.Server.Restart();

        await using var atHub = await hub.ClientAsync();
        await atLeaf.BeReachableFromAsync(atHub);
        Assert.StartsWith("NATS/1.0 503", (await atHub.RequestAsync("foo", "x")).Header, StringComparison.Ordinal);
        await atHub.PublishAsync("bar", "again");
        Assert.Equal("again", (await atLeaf.NextAsync()).Body);
    }

    [Test]
    public async Task A_hub_of_ours_stops_and_comes_back_for_a_real_leaf_and_one_of_ours()
    {
        var port = Ports.Free();
        var hub = await OurBus.StartAsync("hub", leafPort: port);
        await using var real = await LeafBus.StartAsync("real", "real", port);
        await using var ours = await LeafBus.StartAsync("ours", "ours", port);
        await using var atReal = await real.ClientAsync();
        await using var atOurs = await ours.ClientAsync();
        await atReal.SubscribeAsync("foo");
        await atReal.BeReachableFromAsync(atOurs);

        await hub.DisposeAsync();
        await ((OurBus)ours).UntilAsync(status => !status.IsConnected);
        await using var again = await OurBus.StartAsync("hub", leafPort: port);

        await atReal.BeReachableFromAsync(atOurs);
        await atOurs.BeReachableFromAsync(atReal);
        await atOurs.PublishAsync("foo", "again");
        Assert.Equal("again", (await atReal.NextAsync()).Body);
        Assert.Equal(2, again.Broker.LeafCount);
    }

    [Test]
    public async Task A_lost_leaf_withdraws_its_interest_at_a_real_hub()
    {
        await using var hub = new RealBus("hub");
        await using var atHub = await hub.ClientAsync();
        await using (var leaf = await LeafBus.StartAsync("ours", "leaf", hub.LeafPort))
        await using (var atLeaf = await leaf.ClientAsync())
        {
            await atLeaf.SubscribeAsync("svc");
            await atLeaf.BeReachableFromAsync(atHub);
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!await atHub.IsNobodyThereAsync("svc")) Assert.False(patience.IsCancellationRequested);
    }

    // The old link of the same name is replaced at once, though nobody told the hub of its end.
    [Test]
    [Arguments("real")]
    [Arguments("ours")]
    public async Task A_leaf_whose_link_broke_silently_is_back_without_waiting_for_the_hub_to_notice(string hubKind)
    {
        await using var hub = await LeafBus.StartAsync(hubKind, "hub");
        using var tunnel = new Tunnel();
        await using var leaf = await OurBus.StartAsync("leaf");
        leaf.Join(
            new LeafnodeRemote { Urls = [$"nats-leaf://127.0.0.1:{hub.LeafPort}"] },
            new LeafnodeDialing { OpenStream = tunnel.OpenAsync });
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await atLeaf.SubscribeAsync("foo");
        await atLeaf.BeReachableFromAsync(atHub);

        tunnel.BreakUnseenByTheHub();
        await leaf.UntilAsync(status => status.Connects == 1 && status.IsConnected);

        await atLeaf.BeReachableFromAsync(atHub);
        await atHub.PublishAsync("foo", "once");
        Assert.Equal("once", (await atLeaf.NextAsync()).Body);
        await atLeaf.BeReachableFromAsync(atHub);
        Assert.Empty(await atLeaf.ArrivedAsync());
    }

    [Test]
    [Arguments("real")]
    [Arguments("ours")]
    public async Task A_link_cut_again_and_again_under_load_always_heals_with_all_its_interest(string hubKind)
    {
        await using var hub = await LeafBus.StartAsync(hubKind, "hub");
        using var tunnel = new Tunnel();
        await using var leaf = await OurBus.StartAsync("leaf");
        var remote = new LeafnodeRemote
        {
            Urls = [$"nats-leaf://127.0.0.1:{hub.LeafPort}"],
            ReconnectWait = TimeSpan.FromMilliseconds(20),
            ReconnectWaitMax = TimeSpan.FromMilliseconds(50),
        };
        leaf.Join(remote, new LeafnodeDialing { OpenStream = tunnel.OpenAsync });
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        for (var i = 0; i < 200; i++) await atLeaf.SubscribeAsync($"many.{i}");

        // Cuts after so many bytes: in the handshake, within interest, within messages.
        foreach (var bytes in new[] { 0, 1, 100, 500, 700, 1_000, 2_000, 3_000, 4_000, 10_000 })
        {
            tunnel.CutAfter(bytes);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            while (!tunnel.HasBeenCut)
            {
                Assert.False(patience.IsCancellationRequested, leaf.Log);
                for (var i = 0; i < 50; i++) await atHub.PublishAsync($"many.{i}", new string('x', 100));
                await atHub.FlushAsync();
                await atLeaf.ArrivedAsync();
            }
        }

        await atLeaf.BeReachableFromAsync(atHub);
        await atLeaf.ArrivedAsync();
        for (var i = 0; i < 200; i++) await atHub.PublishAsync($"many.{i}", $"{i}");
        for (var i = 0; i < 200; i++) Assert.Equal($"{i}", (await atLeaf.NextAsync()).Body);
    }

    [Test]
    public async Task Remotes_come_and_go_while_the_broker_runs()
    {
        await using var first = await LeafBus.StartAsync("real", "first");
        await using var second = await LeafBus.StartAsync("ours", "second");
        await using var leaf = await OurBus.StartAsync("leaf");
        await using var atFirst = await first.ClientAsync();
        await using var atSecond = await second.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        var toFirst = leaf.Join($"nats-leaf://127.0.0.1:{first.LeafPort}");
        leaf.Join($"nats-leaf://127.0.0.1:{second.LeafPort}");
        await atLeaf.SubscribeAsync("foo");
        await atLeaf.BeReachableFromAsync(atFirst);
        await atLeaf.BeReachableFromAsync(atSecond);
        Assert.Equal("first", toFirst.Status.PeerName);
        Assert.Equal(StockNats.VersionText, toFirst.Status.PeerVersion);

        await toFirst.DisposeAsync();

        Assert.Equal(LeafRemoteState.Stopped, toFirst.Status.State);
        Assert.Equal(1, leaf.Broker.LeafCount);
        await atSecond.PublishAsync("foo", "still");
        Assert.Equal("still", (await atLeaf.NextAsync()).Body);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!await atFirst.IsNobodyThereAsync("foo")) Assert.False(patience.IsCancellationRequested);
    }

    [Test]
    public async Task The_next_address_is_tried_when_one_is_dead()
    {
        await using var hub = await LeafBus.StartAsync("real", "hub");
        await using var leaf = await OurBus.StartAsync("leaf");

        leaf.Join(
            new LeafnodeRemote
            {
                Urls = [$"nats-leaf://127.0.0.1:{Ports.Free()}",
                $"nats-leaf://127.0.0.1:{hub.LeafPort}"]
            });

        await leaf.UntilAsync(status => status.IsConnected);
        Assert.Equal($"nats-leaf://127.0.0.1:{hub.LeafPort}", leaf.Remote.Status.Address);
    }

    [Test]
    public async Task A_client_port_is_not_a_leafnode_port()
    {
        await using var hub = await LeafBus.StartAsync("real", "hub");
        await using var leaf = await OurBus.StartAsync("leaf");

        leaf.Join($"nats-leaf://127.0.0.1:{hub.ClientPort}");

        await leaf.UntilAsync(status => status.LastError.Length > 0);
        Assert.False(leaf.Remote.Status.IsConnected);
    }

    [Test]
    public async Task Every_change_of_state_is_reported()
    {
        await using var hub = await LeafBus.StartAsync("ours", "hub");
        await using var leaf = await OurBus.StartAsync("leaf");
        var seen = new System.Collections.Concurrent.ConcurrentQueue<LeafRemoteState>();

        var handle = leaf.Join(
            new LeafnodeRemote { Urls = [$"127.0.0.1:{hub.LeafPort}"] },
            new LeafnodeDialing { OnChanged = status => seen.Enqueue(status.State) });
        await leaf.UntilAsync(_ => seen.Contains(LeafRemoteState.Connected));
        await handle.DisposeAsync();

        Assert.Equal(LeafRemoteState.Stopped, seen.Last());
    }

    /// <summary>Streams that the test can break.</summary>
    private sealed class Tunnel : IDisposable
    {
        private readonly Lock _gate = new();
        private Cable? _cable;
        private long _bytesLeft = long.MaxValue;

        public bool HasBeenCut { get; private set; }

        public async ValueTask<Stream> OpenAsync(Uri url, CancellationToken cancellationToken)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, url.Port, cancellationToken);
            lock (_gate) return _cable = new Cable(this, new NetworkStream(socket, ownsSocket: true));
        }

        public void CutAfter(long bytes)
        {
            lock (_gate) (_bytesLeft, HasBeenCut) = (bytes, false);
        }

        /// <summary>Our end fails; the socket to the hub stays open and silent.</summary>
        public void BreakUnseenByTheHub()
        {
            lock (_gate) _cable!.Break();
        }

        public void Dispose() => _cable?.Dispose();

        private bool Take(int size)
        {
            lock (_gate)
            {
                _bytesLeft -= size;
                if (_bytesLeft > 0) return true;

                (_bytesLeft, HasBeenCut) = (long.MaxValue, true);
                return false;
            }
        }

        private sealed class Cable(Tunnel tunnel, Stream inner) : Stream
        {
            private readonly CancellationTokenSource _broken = new();

            public override bool CanRead => true;

            public override bool CanWrite => true;

            public override bool CanSeek => false;

            public override long Length => throw new NotSupportedException();

            public override long Position
            {
                get => throw new NotSupportedException(); set => throw new NotSupportedException();
            }

            public void Break() => _broken.Cancel();

            public override async ValueTask<int> ReadAsync(
                Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _broken.Token);
                var size = await inner.ReadAsync(buffer, either.Token);
                if (tunnel.Take(size)) return size;

                inner.Dispose();
                throw new IOException("cut");
            }

            public override async ValueTask WriteAsync(
                ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            {
                if (_broken.IsCancellationRequested) throw new IOException("broken");

                await inner.WriteAsync(buffer, cancellationToken);
            }

            public override void Flush()
            {
            }

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

            public override void SetLength(long value) => throw new NotSupportedException();

            protected override void Dispose(bool disposing)
            {
                // A broken one leaves the hub's side open until the test ends.
                if (disposing && !_broken.IsCancellationRequested) inner.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
