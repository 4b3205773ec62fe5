using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Xfer;

/// <summary>A recorded exchange of stock's own client and server, read and answered by ours.</summary>
public class RecordedExchangeTests
{
    private static readonly string[] CheckIns =
    [
        "3d24f627683fec0f7438c30c494d8622bde35b39288c556d889774dc73e0d1c8",
        "d67f63c70e385637407ee647561032f887a18cdc7b43626c702dc8485871c6ff",
        "456bdb71d36e1851cfa12469acbc7176ac481ffec762b3fa18f6d6a9d395ad1f",
    ];

    [Test]
    public void A_clone_reply_of_stock_fills_an_empty_store()
    {
        var store = CloneFromRecording(out var report);

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal(6, report.ArtifactsReceived);
        Assert.Equal(2, report.Rounds);
        Assert.Equal(SampleProject.Code, store.ProjectCode);
        Assert.Equal(6, store.HeldIds().Count);
        Assert.All(CheckIns, id => Assert.Contains(ArtifactId.Parse(id), store.HeldIds()));
        Assert.Equal(5, report.ConfigReceived + 1);
        Assert.Equal("2", store.Config.Get("hash-policy"));
    }

    [Test]
    public void Our_reply_to_a_clone_is_stocks_reply_byte_for_byte()
    {
        var store = new MemoryArtifactStore(SampleProject.Code, new string('a', 40));
        Replay(store, Message("clone-1.reply", XferEncoding.Plain));
        store.Write(() => store.State.Users["nobody"] = new UserAccount(1, "nobody", "", "g"));
        var stocks = Encoding.Latin1.GetString(Message("clone-1.reply", XferEncoding.Plain));
        var exchange = new DirectExchange(
            store, new ServerOptions { Version = new PeerVersion(22100, 20230226, 192424) });

        var ours = Encoding.Latin1.GetString(exchange.Answer(Message("clone-1.request", XferEncoding.Zlib)));

        Assert.Equal(BeforeTimestamp(stocks), BeforeTimestamp(ours));
        Assert.True(exchange.Outcomes[0].MustBePlain);
    }

    [Test]
    public void A_push_of_stock_is_taken_and_its_login_accepted()
    {
        var store = CloneFromRecording(out _);
        store.Write(() => store.State.Users["tester"] = new UserAccount(
            1, "tester", "d415e2802cc715af029a7911bdf39a711e8af1da", "s"));
        var exchange = new DirectExchange(
            store, new ServerOptions { Version = new PeerVersion(22100, 20230226, 192424) });

        var reply = Encoding.UTF8.GetString(exchange.Answer(Message("push-1.request", XferEncoding.Zlib)));

        Assert.StartsWith("pragma server-version 22100 20230226 192424\n# timestamp ", reply, StringComparison.Ordinal);
        Assert.Equal("tester", exchange.Outcomes[0].Login);
        Assert.Equal(2, exchange.Outcomes[0].ArtifactsReceived);
        Assert.Contains(
            ArtifactId.Parse("d68366ff54d77c74b8bab68a7d73717ffce3b40d95ce30f82cdb03e5928f3a7e"), store.HeldIds());
    }

    [Test]
    public void The_same_push_again_is_refused()
    {
        var store = CloneFromRecording(out _);
        store.Write(() => store.State.Users["tester"] = new UserAccount(
            1, "tester", "d415e2802cc715af029a7911bdf39a711e8af1da", "s"));
        var exchange = new DirectExchange(store);
        exchange.Answer(Message("push-1.request", XferEncoding.Zlib));

        exchange.Answer(Message("push-1.request", XferEncoding.Zlib));

        Assert.Equal("login failed", exchange.Outcomes[1].Error);
        Assert.True(exchange.Outcomes[1].LoginFailed);
    }

    private static string BeforeTimestamp(string reply) =>
        reply[..reply.IndexOf("# timestamp", StringComparison.Ordinal)];

    private static MemoryArtifactStore CloneFromRecording(out SyncReport report)
    {
        var store = new MemoryArtifactStore(null, new string('b', 40));
        var options = SampleProject.Options(SyncActions.Clone);
        using var session = new ClientSession(store, options, new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        foreach (var (
            file, encoding) in new[] { ("clone-1.reply", XferEncoding.Plain), ("clone-2.reply", XferEncoding.Zlib) })
        {
            Assert.True(session.TryBuildRequest(DirectExchange.Now, request));
            session.Receive(DirectExchange.Now, Message(file, encoding));
        }

        Assert.False(session.TryBuildRequest(DirectExchange.Now, request));
        report = session.Report;
        return store;
    }

    // Rids in the order of the recording, deltas as deltas, as in the repository that was recorded.
    private static void Replay(MemoryArtifactStore store, byte[] message)
    {
        var reader = new XferReader(message);
        Assert.True(store.Begin(StoreAccess.Write, DirectExchange.Now));
        var ids = new List<ArtifactId>();
        while (reader.TryRead(out var card) == OperationStatus.Done)
            if (CFileCard.TryParse(card, out var file))
                ids.Add(file.Id);
        store.AddPhantoms([.. ids], isPrivate: false);
        reader = new XferReader(message);
        while (reader.TryRead(out var card) == OperationStatus.Done)
            if (CFileCard.TryParse(card, out var file))
                store.PutStored(file.Id, file.Source, file.ExpandedSize, card.Payload, false, out _);
        Assert.True(store.TryCommit(out _));
    }

    private static byte[] Message(string file, XferEncoding encoding)
    {
        Assert.Equal(
            XferFrameFault.None,
            XferFrame.TryDecode(encoding, Vectors.Read("fossil", "xfer", file), 1 << 20, out var message));
        return message.ToArray();
    }
}
