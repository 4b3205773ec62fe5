using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Wire;
using EdgeSync.IntegrationTests.Iroh;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Settings;
using EdgeSync.Quic.Connections;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>Stores beside an endpoint with the original's protocol alone, over connections on loopback.</summary>
public sealed class MirrorOriginalTests
{
    private const long Created = 1_700_000_000_000;

    private static CancellationToken Cancellation => CanTestService.Cancellation;

    [Test]
    public async Task Without_the_setting_the_protocol_is_not_offered()
    {
        await using var store = await CanTestService.StartAsync(Mirrored([]), isMirror: true);
        await using var peer = IrohPair.Start(IrohPair.Options(7));

        await Assert.ThrowsAsync<QuicClosedException>(() => peer.ConnectAsync(
            EndpointTicket.Parse(store.Mirror.Ticket), CompatFrames.Protocol, Cancellation));
    }

    [Test]
    public async Task An_endpoint_that_is_not_named_gets_no_more_than_a_refusal()
    {
        await using var store = await CanTestService.StartAsync(Mirrored([IdOf(9)]), isMirror: true);
        var hash = await PutAsync(store, [1]);
        await using var peer = IrohPair.Start(IrohPair.Options(7));

        var connection = await ConnectAsync(peer, store);
        var stream = await connection.OpenStreamAsync(false, Cancellation);
        await stream.WriteAsync(HashSet([]), Cancellation);

        var end = await connection.Closed.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        Assert.Equal((CloseKind.Peer, (ulong)SyncClose.Passphrase), (end.Kind, end.Code));
        Assert.Contains("not named here", store.Log, StringComparison.Ordinal);
        Assert.True(store.Store.Find(hash) is not null);
        Assert.Empty((await store.Mirror.StatusAsync()).Peers);
    }

    [Test]
    public async Task Assets_go_both_ways_and_what_was_deleted_for_good_does_not_come_back()
    {
        await using var peer = IrohPair.Start(IrohPair.Options(7));
        await using var store = await CanTestService.StartAsync(Mirrored([IdOf(7)]), isMirror: true);
        var own = await PutAsync(store, [1, 2, 3]);
        var (there, content) = (AssetHash.Of(Created, Bytes(700_000)), Bytes(700_000));

        await using (var talk = await TalkAsync(peer, store))
        {
            await talk.SendAsync(HashSet([]), BundleOf(there, content), Done);
            Assert.Equal(own, (await talk.NextAsync(CompatPart.Bundle)).Bundle.Hash);
            await Patience.UntilAsync(
                () => store.Store.Find(there) is not null, TimeSpan.FromMinutes(1), () => store.Log);
            Assert.Equal(["t"], store.Store.Find(there)!.Details.Tags);
            Assert.Equal(content, (await store.GetAsync($"{CanTestService.Prefix}/asset/{there}")).Body);
            Assert.Equal(CompatFrames.Protocol, Assert.Single((await store.Mirror.StatusAsync()).Peers).Protocol);

            (await store.SendAsync(
                HttpMethod.Delete, $"{CanTestService.Prefix}/asset/{there}?permanent=true", null,
                CanTestService.Bearer(CanTestService.Token))).Data();
            await Patience.UntilAsync(
                () => store.Store.Find(there) is null, TimeSpan.FromMinutes(1), () => store.Log);
        }

        // The store was started again meanwhile; the peer has the asset, and has heard of no deletion.
        await store.ReopenAsync(change: Mirrored([IdOf(7)]), isMirror: true);
        await using (var talk = await TalkAsync(peer, store))
        {
            await talk.SendAsync(HashSet([(there, content.Length, Created)]), BundleOf(there, content), Done);
            var meta = (await talk.NextAsync(CompatPart.Meta)).Meta!;
            Assert.Equal((there, true), (meta.Hash, meta.IsTrashed));
            await talk.NextAsync(CompatPart.Done);
        }

        Assert.Null(store.Store.Find(there));
        // What has come of it goes behind the answer.
        await Patience.UntilAsync(
            () => Directory.GetFiles(Path.Combine(store.Root, ".partial")) is [], TimeSpan.FromMinutes(1),
            () => store.Log);
    }

    [Test]
    [Arguments("giant", 400UL)]
    [Arguments("junk", 400UL)]
    [Arguments("hashes", 429UL)]
    [Arguments("wrong", 429UL)]
    public async Task A_named_endpoint_that_does_not_behave_is_cut_off(string what, ulong code)
    {
        await using var peer = IrohPair.Start(IrohPair.Options(7));
        await using var store = await CanTestService.StartAsync(
            s => Mirrored([IdOf(7)])(s) with
            {
                Mirror = Mirrored([IdOf(7)])(s).Mirror with { Core = new SyncOptions { CompatHashesMax = 1000 } },
            },
            isMirror: true);
        var bytes = what switch
        {
            "giant" => [2, 0x10, 0, 0, 1],
            "junk" => Bytes(3000),
            "hashes" => HashSet([.. Enumerable.Range(0, 2000).Select(i => (AssetHash.Of(i, []), 0, (long)i))]),
            _ => [.. HashSet([]), .. Enumerable.Range(0, 4).SelectMany(i => BundleOf(AssetHash.Of(i, []), [1]))],
        };

        var connection = await ConnectAsync(peer, store);
        var stream = await connection.OpenStreamAsync(false, Cancellation);
        await stream.WriteAsync(bytes, Cancellation);

        var end = await connection.Closed.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        Assert.Equal((CloseKind.Peer, code), (end.Kind, end.Code));
        Assert.Equal(0, store.Store.Counts().Assets);
    }

    private static byte[] Done => CompatFrames.Write(CompatFrame.Done, []);

    private static EndpointId IdOf(byte seed) => IrohPair.Options(seed).Key.Id;

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private static byte[] HashSet(IReadOnlyList<(AssetHash Hash, int Size, long UpdatedAtMs)> assets)
    {
        var set = new ArrayBufferWriter<byte>();
        foreach (var (hash, size, updated) in assets) new AssetDigest(hash, Created, size, false, updated).WriteTo(set);
        return CompatFrames.Write(CompatFrame.HashSet, set.WrittenSpan);
    }

    private static byte[] BundleOf(AssetHash hash, byte[] content)
    {
        var (head, tail) = new AssetBundle
        {
            Hash = hash,
            TimestampMs = Created,
            Size = content.Length,
            Details = new AssetDetails { Tags = ["t"] },
            MetaUpdatedAtMs = Created,
        }.Fields();
        return CompatFrames.Write(CompatFrame.AssetBundle, [.. head, .. content, .. tail]);
    }

    private static async Task<AssetHash> PutAsync(CanTestService store, byte[] content)
    {
        var reply = await store.IngestAsync(content, "a.bin");
        Assert.True(AssetHash.TryParse(reply.Data().GetProperty("hash").GetString(), out var hash));
        return hash;
    }

    private static Task<IrohConnection> ConnectAsync(IrohEndpoint peer, CanTestService store) => peer.ConnectAsync(
        EndpointTicket.Parse(store.Mirror.Ticket), CompatFrames.Protocol, Cancellation);

    private static async Task<Talk> TalkAsync(IrohEndpoint peer, CanTestService store)
    {
        var connection = await ConnectAsync(peer, store);
        return new Talk(connection, await connection.OpenStreamAsync(false, Cancellation));
    }

    private static Func<CanSettings, CanSettings> Mirrored(IReadOnlyList<EndpointId> originals) =>
        settings => settings with
        {
            Mirror = new MirrorSettings
            {
                Passphrase = "one for all",
                Stretch = new StretchCost(8, 1),
                Originals = originals,
                Iroh = new IrohSection
                {
                    Discovery = IrohDiscoveryMode.Off,
                    Relays = ["off"],
                    Bind = "127.0.0.1:0",
                    PortMapping = false,
                },
            },
        };

    /// <summary>The first stream of a connection.</summary>
    private sealed class Talk(IrohConnection connection, HostStream stream) : IAsyncDisposable
    {
        private readonly CompatReader _reader = new();
        private readonly byte[] _buffer = new byte[65536];
        private ReadOnlyMemory<byte> _input;

        public async Task SendAsync(params byte[][] frames)
        {
            foreach (var frame in frames) await stream.WriteAsync(frame, Cancellation);
        }

        /// <summary>Reads until a part of that kind.</summary>
        public async Task<CompatReader> NextAsync(CompatPart part)
        {
            while (true)
            {
                var input = _input.Span;
                var read = _reader.Read(ref input, out _);
                _input = _input[(_input.Length - input.Length)..];
                if (read == part) return _reader;

                Assert.NotEqual(CompatPart.Invalid, read);
                if (read != CompatPart.NeedMore) continue;

                var count = await stream.ReadAsync(_buffer, Cancellation);
                Assert.True(count > 0, $"the stream has ended before {part}");
                _input = _buffer.AsMemory(0, count);
            }
        }

        public async ValueTask DisposeAsync()
        {
            connection.Close(0, "");
            await connection.Closed;
        }
    }
}
