using System.Text;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Notify;
using EdgeSync.Agent.Schedule;
using EdgeSync.Browser.History;
using EdgeSync.Browser.Notify;
using EdgeSync.Browser.Store;
using EdgeSync.Browser.Sync;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Browser;

/// <summary>
/// The leaf of a page beside a server that answers over a bus in the same thread, on a clock of the test.
/// </summary>
public sealed class PageLeafTests
{
    private static readonly ProjectSubjects Subjects = new("fossil", SampleProject.Code);

    [Test]
    public void Clones_over_nats_and_goes_on_after_a_lost_reply()
    {
        var server = SampleProject.Create();
        SampleProject.History(server, 40);
        using var world = new World(server);

        world.Clone(losing: 2);

        Assert.Equal(server.HeldIds().Count, world.Store.MaxRecordId.Value);
    }

    [Test]
    public void A_wrong_password_ends_the_clone_with_the_servers_words()
    {
        using var world = new World(SampleProject.Create(), "wrong");

        var outcome = world.TryClone();

        Assert.Equal(SyncOutcomeKind.Denied, outcome.Kind);
    }

    [Test]
    public void A_commit_is_pushed_at_once_and_an_announced_one_is_fetched()
    {
        var server = SampleProject.Create();
        var start = SampleProject.CheckIn(server, "start", default, ("a.txt", "one"));
        using var world = new World(server);
        world.Clone();
        var leaf = world.Start();

        var made = leaf.Commit(
            new CommitRequest { Comment = "Page", User = "tester", Changes = [new("a.txt", "two"u8.ToArray())] },
            world.Now);
        world.RunUntil(() => server.HeldIds().Contains(made.Id));

        var other = SampleProject.CheckIn(server, "other", made.Id, ("a.txt", "three"));
        world.Bus.Deliver(
            Subjects.Commit, new Announcement { Uuid = other.ToString(), PeerId = "ship", Rid = 9 }.ToBytes());
        world.RunUntil(() => world.Store.Holds(other));

        Assert.Equal(start, made.Parents[0]);
        Assert.Equal("three", PageStoreTests.Text(world.Store, other.ToString(), "a.txt"));
    }

    [Test]
    public void What_is_committed_without_a_link_is_pushed_when_it_is_there()
    {
        var server = SampleProject.Create();
        SampleProject.CheckIn(server, "start", default, ("a.txt", "one"));
        using var world = new World(server);
        world.Clone();
        world.Bus.IsConnected = false;
        var leaf = world.Start();

        var made = leaf.Commit(
            new CommitRequest { Comment = "Page", User = "tester", Changes = [new("a.txt", "two"u8.ToArray())] },
            world.Now);
        world.Run(TimeSpan.FromMinutes(5));
        Assert.DoesNotContain(made.Id, server.HeldIds());
        Assert.True(world.Store.UnsentCount > 0);

        world.Bus.SetLink(true);
        world.RunUntil(() => server.HeldIds().Contains(made.Id));
        world.RunUntil(() => world.Store.UnsentCount == 0);
    }

    [Test]
    public void Sync_now_reports_what_its_sessions_moved()
    {
        var server = SampleProject.Create();
        SampleProject.CheckIn(server, "start", default, ("a.txt", "one"));
        using var world = new World(server);
        world.Clone();
        var leaf = world.Start();
        world.Run(TimeSpan.FromMinutes(1));
        SampleProject.CheckIn(server, "more", default, ("b.txt", "two"));

        SyncSum? sum = null;
        leaf.SyncNow(done => sum = done);
        world.RunUntil(() => sum is not null);

        Assert.Empty(sum!.Errors);
        Assert.Equal(2, sum.Received);
    }

    [Test]
    public void Messages_come_by_sync_once_each_and_own_ones_are_sent_at_once()
    {
        var server = SampleProject.Create();
        SampleProject.CheckIn(server, "start", default, ("a.txt", "one"));
        using var world = new World(server);
        world.Clone();
        var leaf = world.Start();
        var notify = leaf.Notify = new PageNotify(world.Store, "deck", new SeededEntropy(8), world.Now);

        var sent = notify.Send(new NotifyDraft { Body = "hello" }, null, "ship", null, world.Now);
        leaf.SendCommitted();
        world.RunUntil(() => server.HeldIds().Contains(sent.CheckIn));

        var answer = new NotifyDraft { Body = "ahoy" }.Reply(
            sent.Message, new NotifySender("shore", "ann"), world.Now, new SeededEntropy(9));
        var id = SampleProject.CheckIn(
            server, "answer", sent.CheckIn, (answer.FilePath, Encoding.UTF8.GetString(NotifyCodec.ToFile(answer))));
        world.Bus.Deliver(
            Subjects.Commit, new Announcement { Uuid = id.ToString(), PeerId = "ship", Rid = 9 }.ToBytes());
        world.RunUntil(() => world.Store.Holds(id));
        world.Run(TimeSpan.FromMinutes(5));

        var taken = new List<string>();
        while (notify.TryTake(out var message)) taken.Add(message.Message.Body);
        Assert.Equal(["hello", "ahoy"], taken);
    }

    /// <summary>A store, a bus with one server, and a clock that jumps from deadline to deadline.</summary>
    private sealed class World : IDisposable
    {
        private const int StepsMax = 10_000;

        private readonly LeafOptions _options;
        private PageLeaf? _leaf;

        public World(MemoryArtifactStore server, string password = "secret")
        {
            Bus = new DirectBus(server, () => Now);
            _options = new LeafOptions { NodeId = "page", Login = new("tester", password) };
        }

        public Instant Now { get; private set; } = DirectExchange.Now;

        public DirectBus Bus { get; }

        public PageStore Store { get; } = PageStoreTests.Open(new MemoryFile(), new MemoryFile());

        public void Clone(int losing = 0)
        {
            var outcome = TryClone(losing);
            Assert.True(outcome.IsOk, outcome.Reason);
        }

        public SyncOutcome TryClone(int losing = 0)
        {
            using var clone = new PageClone(
                Store, Bus, _options, SampleProject.Code, new SeededEntropy(3), Now, () => { });
            for (var step = 0; clone.Outcome is null; step++)
            {
                Assert.True(step < StepsMax);
                Bus.IsLosing = clone.Report.Rounds > 0 && losing-- > 0;
                if (step > 0) Now = clone.Deadline > Now ? clone.Deadline.Value : Now;
                clone.Pump(Now);
            }

            return clone.Outcome;
        }

        public PageLeaf Start()
        {
            _leaf = new PageLeaf(Store, Bus, _options, new Prng(5), new SeededEntropy(4), Now);
            _leaf.Start();
            return _leaf;
        }

        public void Run(TimeSpan time)
        {
            var end = Now + time;
            for (var step = 0; Now < end; step++)
            {
                Assert.True(step < StepsMax);
                Step(end);
            }
        }

        public void RunUntil(Func<bool> isDone)
        {
            for (var step = 0; !isDone(); step++)
            {
                Assert.True(step < StepsMax);
                Step(Now + TimeSpan.FromMinutes(1));
            }
        }

        public void Dispose()
        {
            _leaf?.Stop(Now);
            Store.Dispose();
        }

        private void Step(Instant end)
        {
            _leaf!.Pump(Now);
            var next = _leaf.Deadline is { } deadline && deadline < end ? deadline : end;
            if (next > Now) Now = next;
        }
    }

    /// <summary>A bus whose requests are answered within the call.</summary>
    private sealed class DirectBus(MemoryArtifactStore server, Func<Instant> now) : INatsBus
    {
        private readonly List<(string Subject, Action<NatsMessage> Received)> _subscriptions = [];
        private long _last;

        public bool IsConnected { get; set; } = true;

        /// <summary>Requests get no reply.</summary>
        public bool IsLosing { get; set; }

        public int MaxPayload => 1 << 20;

        public Action<bool>? LinkChanged { get; set; }

        public void SetLink(bool isUp)
        {
            IsConnected = isUp;
            LinkChanged?.Invoke(isUp);
        }

        public void Deliver(string subject, byte[] payload)
        {
            foreach (var (_, received) in _subscriptions.Where(s => s.Subject == subject).ToList())
                received(new NatsMessage(subject, null, null, payload));
        }

        public NatsOutcome Publish(
            string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null) =>
            throw new InvalidOperationException("a page publishes nothing");

        public IDisposable Subscribe(string subject, string? queueGroup, Action<NatsMessage> received)
        {
            var entry = (subject, received);
            _subscriptions.Add(entry);
            return new Subscription(() => _subscriptions.Remove(entry));
        }

        public NatsOutcome TryRequest(
            string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied,
            out long request, string? replier = null)
        {
            request = ++_last;
            if (!IsConnected) return NatsOutcome.Disconnected;
            if (IsLosing) return NatsOutcome.Ok;
            if (subject != Subjects.Sync && subject != Subjects.SyncOf("ship")) return NatsOutcome.NoResponders;

            Assert.Equal(XferFrameFault.None, XferFrame.TryDecode(XferEncoding.Zlib, data, 1 << 26, out var message));
            using var reply = new PooledBytes();
            using var framed = new PooledBytes();
            new ServerHandler(server, new ServerOptions()).Handle(now(), message, "nats", reply, null);
            XferFrame.Encode(XferEncoding.Zlib, reply.Written.Span, framed);
            var answer = new NatsHeaders();
            foreach (var (key, value) in new ExchangeHead { Peer = "ship" }.ToFields()) answer.Add(key, value);
            replied(NatsReply.Of(new NatsMessage("_INBOX.1", null, answer, framed.Written.ToArray())));
            return NatsOutcome.Ok;
        }

        public void Forget(long request)
        {
        }

        private sealed class Subscription(Action end) : IDisposable
        {
            public void Dispose() => end();
        }
    }
}
