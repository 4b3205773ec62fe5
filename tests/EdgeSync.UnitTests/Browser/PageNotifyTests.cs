using System.Text;
using EdgeSync.Agent.Notify;
using EdgeSync.Browser.Notify;
using EdgeSync.Browser.Store;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Browser;

/// <summary>Messages of pages beside each other and beside what other programs have written.</summary>
public sealed class PageNotifyTests
{
    private static readonly NotifySender Ann = new("laptop", "ann");

    private static Instant Now => DirectExchange.Now;

    [Test]
    public void A_message_of_one_page_is_read_and_answered_in_another()
    {
        var server = NewServer();
        using var deck = new Page(server, "deck");
        using var bridge = new Page(server, "bridge");

        var asked = deck.Notify.Send(
            new NotifyDraft { Body = "Set sails?", Actions = [new("yes", "Yes"), new("no", "No")] },
            null, "ship", "ann", Now);
        deck.Sync();
        bridge.Sync();
        var unread = Assert.Single(bridge.Notify.Threads(null, false, 10));
        var answer = bridge.Notify.Act(asked.Message.Id, "YES", null, "bob", Now + TimeSpan.FromSeconds(1));
        bridge.Sync();
        deck.Sync();

        Assert.Equal((1, 1, "Set sails?"), (unread.MessageCount, unread.Unread, unread.LastMessage));
        Assert.Equal(0, Assert.Single(bridge.Notify.Threads("ship", true, 10)).Unread);
        Assert.Equal((asked.Message.Id, "yes", true), (
            answer.Message.ReplyTo, answer.Message.Body, answer.Message.IsActionResponse));
        Assert.Equal(["Set sails?", "yes"], deck.Texts(asked.Message.Thread));
        Assert.Equal(1, Assert.Single(deck.Notify.Threads(null, false, 10)).Unread);
        Assert.Equal(1, deck.Notify.MarkRead([asked.Message.Id, answer.Message.Id, "unknown"], Now));
        Assert.Equal(0, Assert.Single(deck.Notify.Threads(null, false, 10)).Unread);
    }

    [Test]
    public void A_thread_is_a_branch_whose_check_ins_follow_each_other()
    {
        using var page = new Page(NewServer(), "deck");

        var first = page.Notify.Send(new NotifyDraft { Body = "one" }, null, "ship", null, Now);
        var second = page.Notify.Send(
            new NotifyDraft { Body = "two" }, first.Message.ThreadShort, null, null, Now - TimeSpan.FromHours(1));
        var other = page.Notify.Send(new NotifyDraft { Body = "other" }, null, null, null, Now);

        var history = page.Store.History;
        var (root, next) = (history.Find(first.CheckIn)!, history.Find(second.CheckIn)!);
        Assert.Empty(root.Parents);
        Assert.Equal([root.Id], next.Parents);
        Assert.True(next.Date > root.Date);   // whatever the clock says
        Assert.Equal($"thread-{first.Message.ThreadShort}", history.BranchOf(next.Id));
        Assert.Equal(("notify", $"notify: {second.Message.Id}"), (next.User, next.Comment));
        Assert.Equal("ship", other.Message.Project);
        Assert.Empty(history.Find(other.CheckIn)!.Parents);
        Assert.Equal(
            NotifyCodec.ToFile(second.Message),
            Encoding.UTF8.GetBytes(PageStoreTests.Text(page.Store, next.Id.ToString(), second.Message.FilePath)));
    }

    [Test]
    public void What_two_pages_wrote_at_the_same_time_is_joined_by_the_next_message()
    {
        var server = NewServer();
        using var deck = new Page(server, "deck");
        using var bridge = new Page(server, "bridge");
        var thread = deck.Notify.Send(new NotifyDraft { Body = "start" }, null, "ship", null, Now).Message.Thread;
        deck.Sync();
        bridge.Sync();

        var one = deck.Notify.Send(
            new NotifyDraft { Body = "deck" }, thread, null, null, Now + TimeSpan.FromSeconds(1));
        var two = bridge.Notify.Reply(
            thread, new NotifyDraft { Body = "bridge" }, null, null, Now + TimeSpan.FromSeconds(2));
        deck.Sync();
        bridge.Sync();
        deck.Sync();
        var last = deck.Notify.Send(
            new NotifyDraft { Body = "joined" }, thread, null, null, Now + TimeSpan.FromSeconds(3));

        Assert.Equal([two.CheckIn, one.CheckIn], deck.Store.History.Find(last.CheckIn)!.Parents);
        Assert.Equal(["start", "deck", "bridge", "joined"], deck.Texts(thread));
        Assert.Equal(4, new EdgeSync.Browser.History.PageRepository(deck.Store).Files(last.CheckIn.ToString()).Count);
        deck.Sync();
        bridge.Sync();
        Assert.Equal(["start", "bridge", "deck", "joined"], bridge.Taken());
        Assert.Equal(["start", "deck", "bridge", "joined"], deck.Taken());
    }

    [Test]
    public void Files_that_are_no_messages_are_left_out()
    {
        var server = NewServer();
        var asked = Vectors.Read("notify", "ask.json");
        const string Path = "edgesync/threads/a1b2c3d4/1775822400-01234567.json";
        SampleProject.CheckIn(
            server, "mixed", default, (Path, Encoding.UTF8.GetString(asked)),
            ("other/threads/a1b2c3d4/1-01234567.json", Encoding.UTF8.GetString(asked) + " "),
            ("edgesync/threads/a1b2c3d4/2-01234567.json", Encoding.UTF8.GetString(asked) + "\n"),
            ("edgesync/threads/a1b2c3d4/3-01234567.json", "{}"), ("README.md", "none"));

        using var page = new Page(server, "deck");

        var thread = Assert.Single(page.Notify.Threads(null, false, 10));
        Assert.Equal(
            ("edgesync", 1, NotifyPriority.ActionRequired), (thread.Project, thread.MessageCount, thread.Priority));
        Assert.Equal(
            ["retry", "give_up"], page.Notify.Thread("a1b2c3d4", null).Single().Message.Actions.Select(a => a.Id));
        Assert.Null(page.Notify.Deadline);
        Assert.False(page.Notify.TryTake(out _));   // it was here before
    }

    [Test]
    public void A_message_waits_for_the_one_before_it_but_not_for_ever()
    {
        var server = NewServer();
        using var page = new Page(server, "deck");
        var (first, firstMessage) = Write(server, "first", default, 1);
        var (second, _) = Write(server, "second", first, 2, firstMessage);
        var (third, _) = Write(server, "third", second, 3, firstMessage);

        page.Receive(server, third);
        Assert.Empty(page.Taken());
        var deadline = page.Notify.Deadline;
        page.Notify.Update(Now + TimeSpan.FromSeconds(59));
        Assert.Empty(page.Taken());
        page.Notify.Update(deadline!.Value);

        Assert.Equal(Now + TimeSpan.FromMinutes(1), deadline);
        Assert.Equal(["first", "third"], page.Taken().Order());
        Assert.Null(page.Notify.Deadline);
        page.Receive(server, first, second);
        Assert.Equal(["second"], page.Taken());
        Assert.Equal(["first", "second", "third"], page.Texts(firstMessage.Thread));
    }

    [Test]
    public void Messages_that_come_in_the_wrong_order_are_numbered_in_that_of_the_thread()
    {
        var server = NewServer();
        using var page = new Page(server, "deck");
        var (first, firstMessage) = Write(server, "first", default, 1);
        var (second, _) = Write(server, "second", first, 2, firstMessage);

        page.Receive(server, second);
        page.Receive(server, first);

        Assert.Equal(["first", "second"], page.Taken());
        Assert.Equal([1L, 2L], page.Notify.Arrived(0, 10).Select(m => m.Seq));
        Assert.Equal("second", page.Notify.Arrived(1, 10).Single().Message.Body);
    }

    [Test]
    public void A_store_that_is_opened_again_has_the_same_messages_and_reads_none_twice()
    {
        var server = NewServer();
        using var page = new Page(server, "deck");
        var (first, firstMessage) = Write(server, "first", default, 1);
        var (second, _) = Write(server, "second", first, 2, firstMessage);
        page.Sync();
        var own = page.Notify.Reply("a1b2c3d4", new NotifyDraft { Body = "own" }, null, null, Now);
        var (lost, _) = Write(server, "later", second, 3, firstMessage);
        page.Receive(server, lost);

        using var store = PageStoreTests.Open(
            MemoryFile.Of(page.Contents.Flushed), MemoryFile.Of(page.Index.Flushed));
        var again = Open(store, null);

        Assert.Equal("deck", again.Device);
        Assert.False(again.TryTake(out _));
        Assert.Equal(
            page.Notify.Arrived(0, 10).Select(m => (m.Seq, m.Message.Id, m.CheckIn, m.IsRead)),
            again.Arrived(0, 10).Select(m => (m.Seq, m.Message.Id, m.CheckIn, m.IsRead)));
        Assert.Equal(page.Notify.Threads(null, true, 10), again.Threads(null, true, 10));
        Assert.Equal(page.Store.State.Messages.Through, store.State.Messages.Through);
        Assert.Equal(own.Message.Id, again.Arrived(2, 1).Single().Message.Id);
    }

    [Test]
    public void A_message_on_a_full_disk_leaves_everything_as_it_was()
    {
        using var page = new Page(NewServer(), "deck");
        page.Index.IsFull = true;

        Assert.Throws<EdgeSyncException>(
            () => page.Notify.Send(new NotifyDraft { Body = "lost" }, null, "ship", null, Now));
        page.Index.IsFull = false;

        Assert.Empty(page.Notify.Threads(null, false, 10));
        page.Notify.Send(new NotifyDraft { Body = "kept" }, null, "ship", null, Now);
        Assert.Equal(["kept"], page.Taken());
    }

    [Test]
    public void What_is_not_there_or_not_allowed_is_refused()
    {
        using var page = new Page(NewServer(), "deck");
        var sent = page.Notify.Send(new NotifyDraft { Body = "no actions" }, null, "ship", null, Now).Message;

        Assert.Equal(ErrorKind.NotFound, KindOf(() => page.Notify.Thread("ffffffff", null)));
        Assert.Equal(ErrorKind.NotFound, KindOf(() => page.Notify.Thread("thread-", null)));
        Assert.Equal(ErrorKind.NotFound, KindOf(() => page.Notify.Act(sent.Id, "yes", null, null, Now)));
        Assert.Equal(
            ErrorKind.NotFound,
            KindOf(() => page.Notify.Reply("msg-ffffffff", new NotifyDraft { Body = "x" }, null, null, Now)));
        Assert.Equal(
            ErrorKind.Usage, KindOf(() => page.Notify.Send(new NotifyDraft { Body = "" }, null, "ship", null, Now)));
        Assert.Equal(
            ErrorKind.Usage, KindOf(() => page.Notify.Send(new NotifyDraft { Body = "x" }, null, "a/b", null, Now)));
        Assert.Equal(ErrorKind.Usage, KindOf(() => Open(page.Store, "a\nb")));
        using var empty = PageStoreTests.Open(new MemoryFile(), new MemoryFile());
        Assert.Equal(ErrorKind.Unavailable, KindOf(() => Open(empty, null)));
        Assert.Single(page.Notify.Arrived(0, 10));
    }

    [Test]
    public void The_code_of_a_repository_of_messages_follows_from_that_of_its_project() =>
        Assert.Equal(
            Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData("notify abc"u8)),
            NotifyNames.ProjectCodeOf("abc"));

    private static PageNotify Open(PageStore store, string? device) => new(store, device, new SeededEntropy(1), Now);

    private static ErrorKind KindOf(Action action) => Assert.Throws<EdgeSyncException>(action).Kind;

    private static MemoryArtifactStore NewServer()
    {
        var server = SampleProject.Create();
        SampleProject.CheckIn(server, "initial empty check-in", default);
        return server;
    }

    // A check-in of a thread as another program makes it, with the files of the one before.
    private static (ArtifactId CheckIn, NotifyMessage Message) Write(
        MemoryArtifactStore server, string body, ArtifactId parent, int second, NotifyMessage? first = null)
    {
        var entropy = new SeededEntropy((ulong)second);
        var message = new NotifyDraft { Body = body }.Create(
            "ship", "thread-a1b2c3d4e5f60718293a4b5c6d7e8f90", Ann, Now + TimeSpan.FromSeconds(second), entropy);
        var files = new List<(string, string)> { FileOf(message) };
        if (first is not null) files.Add(FileOf(first));
        return (SampleProject.CheckIn(server, $"notify: {message.Id}", parent, [.. files]), message);

        static (string, string) FileOf(NotifyMessage message) =>
            (message.FilePath, Encoding.UTF8.GetString(NotifyCodec.ToFile(message)));
    }

    /// <summary>A page with a clone of a server's messages.</summary>
    private sealed class Page : IDisposable
    {
        private readonly MemoryArtifactStore _server;

        public Page(MemoryArtifactStore server, string device)
        {
            _server = server;
            Store = PageStoreTests.Open(Contents, Index);
            Assert.Null(PageStoreTests.Clone(server, Store).Fault);
            Notify = new PageNotify(Store, device, new SeededEntropy((ulong)device.Length), Now);
        }

        public MemoryFile Contents { get; } = new();

        public MemoryFile Index { get; } = new();

        public PageStore Store { get; }

        public PageNotify Notify { get; }

        public void Sync()
        {
            Assert.Null(new DirectExchange(_server).Run(Store, SampleProject.Options(SyncActions.Sync)).Fault);
            Notify.Update(Now);
        }

        /// <summary>Takes check-ins with their files, in this order.</summary>
        public void Receive(MemoryArtifactStore server, params ReadOnlySpan<ArtifactId> checkins)
        {
            Assert.True(Store.Begin(StoreAccess.Write, Now));
            foreach (var id in checkins)
            {
                var manifest = server.Rows[id].Text!;
                foreach (var line in Encoding.UTF8.GetString(manifest).Split('\n'))
                    if (line.StartsWith("F ", StringComparison.Ordinal)
                        && ArtifactId.TryParse(line.Split(' ')[2], out var file))
                        Store.PutText(file, server.Rows[file].Text!, false, out _);
                Assert.Equal(PutOutcome.Stored, Store.PutText(id, manifest, false, out _));
            }

            Assert.True(Store.TryCommit(out _));
            Notify.Update(Now);
        }

        public IEnumerable<string> Texts(string thread) => Notify.Thread(thread, null).Select(m => m.Message.Body);

        public List<string> Taken()
        {
            var taken = new List<string>();
            while (Notify.TryTake(out var message)) taken.Add(message.Message.Body);
            return taken;
        }

        public void Dispose() => Store.Dispose();
    }
}
