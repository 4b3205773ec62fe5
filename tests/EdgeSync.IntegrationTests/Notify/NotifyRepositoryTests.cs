using System.Text;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Notify;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Notify.NotifyBench;

namespace EdgeSync.IntegrationTests.Notify;

/// <summary>Messages in repositories: chains, the index, what is unread, devices, files.</summary>
public sealed class NotifyRepositoryTests : IDisposable
{
    private readonly NotifyBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Test]
    public void Messages_of_a_thread_are_one_chain_of_check_ins()
    {
        var ann = _bench.Open("ann");
        var first = Say(ann, "one");
        var second = Say(ann, "two", first.ThreadShort);
        var third = ann.Reply(first.ThreadShort, new NotifySend("three"));
        var other = Say(ann, "elsewhere");

        Assert.Equal(["one", "two", "three"], Bodies(ann, first.ThreadShort));
        Assert.Equal(first.Thread, third.Thread);
        Assert.Equal([], ParentsOf(ann, first));
        Assert.Equal([first.Checkin!], ParentsOf(ann, second));
        Assert.Equal([second.Checkin!], ParentsOf(ann, third));
        Assert.Equal([], ParentsOf(ann, other));
        Assert.Equal(2, ann.Threads("ship", false, 10).Count);
    }

    [Test]
    public void Copies_that_were_made_apart_sync_and_count_what_is_unread()
    {
        var (ann, bob) = (_bench.Open("ann"), _bench.Open("bob"));
        Assert.Equal(ann.Repository.ProjectCode, bob.Repository.ProjectCode);
        Assert.Equal(CheckinsOf(ann), CheckinsOf(bob));

        var question = ann.Send(
            new NotifySend("Retry?") { Project = "ship", Actions = "Yes, No", Priority = "urgent" });
        _bench.Sync(ann, bob);
        Assert.Equal((0, 1), (Unread(ann), Unread(bob)));
        Assert.Equal("urgent", bob.Threads(null, true, 10).Single().Priority);

        var answer = bob.Act(question.ThreadShort, "yes", null, "Bob");
        Assert.Equal(0, Unread(bob));
        _bench.Sync(bob, ann);
        Assert.Equal((1, 0), (Unread(ann), Unread(bob)));
        var read = ann.Log(ann.FindThread("ship", question.ThreadShort))[1];
        Assert.Equal(("yes", true, question.Id), (read.Body, read.ActionResponse, read.ReplyTo));
        Assert.Equal(("bob", "Bob"), (read.From, read.FromName));
        Assert.Equal(answer.Id, read.Id);

        Assert.Equal(1, ann.Queries.MarkRead([read.Id, read.Id, "msg-unknown"]));
        Assert.Equal(0, ann.Queries.MarkRead([read.Id]));
        Assert.Equal(0, Unread(ann));
    }

    [Test]
    public void Answers_given_at_the_same_time_are_joined_by_the_next_one()
    {
        var (ann, bob) = (_bench.Open("ann"), _bench.Open("bob"));
        var thread = Say(ann, "question").ThreadShort;
        _bench.Sync(ann, bob);
        var one = Say(ann, "from ann", thread);
        var two = Say(bob, "from bob", thread);
        _bench.Sync(ann, bob);

        var joined = Say(ann, "joined", thread);

        Assert.Equal(
            new[] { one.Checkin!, two.Checkin! }.Order(StringComparer.Ordinal),
            ParentsOf(ann, joined).Order(StringComparer.Ordinal));
        Assert.Equal(
            4, TreeFileNames(ann, joined).Count(name => name.StartsWith("ship/threads/", StringComparison.Ordinal)));
        _bench.Sync(ann, bob);
        Assert.Equal(Bodies(ann, thread), Bodies(bob, thread));
    }

    [Test]
    public void Artifacts_in_any_order_are_read_in_the_order_of_their_thread()
    {
        var ann = _bench.Open("ann");
        var thread = Say(ann, "0").ThreadShort;
        for (var i = 1; i < 8; i++) Say(ann, $"{i}", thread);
        var artifacts = new List<(ArtifactId Id, byte[] Text)>();
        using (var select = ann.Repository.Database.Prepare("SELECT rid, uuid FROM blob WHERE rid>1"))
        {
            while (select.Step())
            {
                using var content = ann.Repository.Content.Get(select.Record(0));
                artifacts.Add((select.Artifact(1), content.Span.ToArray()));
            }
        }

        var copies = 0;
        Property.Check(
            prng =>
            {
                var bob = _bench.Open($"bob{copies++}");
                var order = artifacts.ToArray();
                prng.Shuffle(order);
                foreach (var (id, text) in order)
                {
                    using (var transaction = bob.Repository.Begin())
                    {
                        bob.Repository.Content.PutText(id, text, isPrivate: false, out _);
                        transaction.Commit();
                    }

                    bob.Update();
                    Assert.Equal(
                        Enumerable.Range(0, Arrived(bob).Length).Select(i => $"{i}"), Arrived(bob));
                }

                Assert.Equal(8, Arrived(bob).Length);
                Assert.Equal(8, Unread(bob));
                Assert.False(bob.IsWaiting);
            },
            runs: 6);
    }

    [Test]
    public void A_rebuild_changes_nothing()
    {
        var ann = _bench.Open("ann");
        var thread = Say(ann, "one").ThreadShort;
        Say(ann, "two", thread);
        var run = Cli.InProcessCli.Run("repo", "rebuild", "-R", ann.Repository.Path);
        Assert.True(run.Code == EdgeSync.Cli.Commands.ExitCode.Ok, run.ToString());

        Assert.Equal(0, ann.Update());
        Say(ann, "three", thread);
        Assert.Equal(["one", "two", "three"], Arrived(ann));
    }

    [Test]
    public void Files_that_are_no_messages_are_counted_and_do_no_harm()
    {
        var ann = _bench.Open("ann");
        var good = Say(ann, "one");
        var text = Vectors.Read("notify", "ask.json");
        ann.Repository.Commit(new CommitOptions
        {
            User = "mallory",
            Comment = "x",
            FollowsBranch = true,
            Changes =
            [
                FileChange.Put("ship/threads/01234567/1-01234567.json", "{"u8.ToArray()),
                // The message of another project, and a copy of a message at its own place.
                FileChange.Put("ship/threads/a1b2c3d4/1-01234567.json", text),
                FileChange.Put("edgesync/threads/a1b2c3d4/1775822400-01234567.json", text),
                FileChange.Put("edgesync/threads/a1b2c3d4/2-01234567.json", text.Append((byte)'\n').ToArray()),
                FileChange.Put("ship/threads/01234567/2-01234567.json", new byte[NotifyIndex.FileBytesMax + 1]),
            ],
        });
        ann.Update();

        Assert.Equal(["one", "Build failed. Retry?"], Arrived(ann));
        Assert.Equal(2, ann.Threads(null, false, 10).Count);
        Assert.Equal(1, ann.Threads("ship", false, 10).Count);
        Assert.True(ann.Queries.Remainder() is ( >= 2, 0));
        Assert.Equal(good.Id, ann.Queries.Find(good.Id)!.Id);
    }

    [Test]
    public void Threads_and_messages_are_found_by_their_first_digits()
    {
        var ann = _bench.Open("ann");
        var items = Enumerable.Range(0, 40)
            .Select(i => Say(ann, $"{i}", project: i % 2 == 0 ? "ship" : "port")).ToList();
        var one = items[7];

        Assert.Equal(one.Thread, ann.FindThread(null, one.ThreadShort).Thread);
        Assert.Equal(one.Thread, ann.FindThread("port", one.Thread).Thread);
        Assert.Equal(one.Thread, ann.FindThread(null, one.ThreadShort.ToUpperInvariant()).Thread);
        Assert.Equal(ErrorKind.NotFound, KindOf(() => ann.FindThread("ship", one.ThreadShort)));
        Assert.Equal(ErrorKind.NotFound, KindOf(() => ann.FindThread(null, "%")));
        Assert.Equal(ErrorKind.NotFound, KindOf(() => ann.FindThread(null, "")));
        var digit = items.GroupBy(i => i.ThreadShort[0]).First(g => g.Count() > 1).Key;
        Assert.Equal(ErrorKind.Ambiguous, KindOf(() => ann.FindThread(null, $"{digit}")));

        Assert.Equal(one.Id, ann.FindMessage(one.Id[..12]).Id);
        Assert.Equal(one.Id, ann.FindMessage(one.Id[4..14]).Id);
        Assert.Equal(ErrorKind.NotFound, KindOf(() => ann.FindMessage("msg-xyz")));
        Assert.Equal(ErrorKind.Usage, KindOf(() => ann.Send(new NotifySend("x"))));
    }

    [Test]
    public void Files_go_with_a_message_within_their_limits()
    {
        var (ann, bob) = (_bench.Open("ann"), _bench.Open("bob"));
        var sent = ann.Send(new NotifySend("look")
        {
            Project = "ship",
            Media =
            [
                new NotifyMedia("/tmp/a plan.png", "one"u8.ToArray()),
                new NotifyMedia("a plan.png", "two"u8.ToArray()),
            ],
        });
        _bench.Sync(ann, bob);

        var names = bob.Read(bob.FindMessage(sent.Id))!.Media!;
        Assert.Equal(["one", "two"], names.Select(name => Encoding.UTF8.GetString(bob.ReadMedia("ship", name))));
        Assert.EndsWith("-a_plan.png", names[0]);
        Assert.Equal(ErrorKind.NotFound, KindOf(() => bob.ReadMedia("ship", "../../x")));
        Assert.Equal(ErrorKind.Usage, KindOf(() => ann.Send(Large(NotifyRepository.MediaBytesMax + 1, 1))));
        Assert.Equal(ErrorKind.Usage, KindOf(() => ann.Send(Large(1, 17))));
        Assert.Equal(1, ann.Queries.LastSeq);

        static NotifySend Large(int size, int count) => new("large")
        {
            Project = "ship",
            Media = [.. Enumerable.Range(0, count).Select(i => new NotifyMedia($"{i}", new byte[size]))],
        };
    }

    [Test]
    public void A_device_is_paired_by_a_token_that_came_by_sync_and_works_once()
    {
        var (ann, bob) = (_bench.Open("ann"), _bench.Open("bob"));
        var (token, _) = ann.OfferPairing("laptop");
        Assert.DoesNotContain(token.Replace("-", ""), Encoding.UTF8.GetString(
            NotifyWriter.ReadFile(ann.Repository, "_notify/pending_tokens.json")!));
        _bench.Sync(ann, bob);

        Assert.Equal("laptop", bob.AcceptPairing(token.ToLowerInvariant().Replace("-", " "), "endpoint-7"));
        Assert.Equal("laptop", new NotifyRepository(bob.Repository).Device);
        Assert.Equal(ErrorKind.Denied, KindOf(() => bob.AcceptPairing(token, "")));
        _bench.Sync(ann, bob);

        Assert.Equal(("laptop", "endpoint-7"), (ann.Devices().Single().Name, ann.Devices().Single().Endpoint));
        ann.Unpair("laptop");
        Assert.Empty(ann.Devices());
        Assert.Equal(ErrorKind.NotFound, KindOf(() => ann.Unpair("laptop")));
    }

    [Test]
    public void Expired_tokens_are_removed()
    {
        var path = _bench.PathOf("cat");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var start = DateTimeOffset.Parse("2026-04-10T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture);
        NotifyPlace.CreateMissing(path, null, TimeProvider.System);
        using (var early = Repository.Open(path, RepositoryOptions.Default with { Clock = new FixedClock(start) }))
        {
            new NotifyRepository(early).OfferPairing("laptop");
            Assert.False(new NotifyRepository(early).PurgeTokens());
        }

        using var late = Repository.Open(
            path, RepositoryOptions.Default with { Clock = new FixedClock(start.AddMinutes(11)) });
        Assert.True(new NotifyRepository(late).PurgeTokens());
        Assert.Contains(
            "\"tokens\": []", Encoding.UTF8.GetString(NotifyWriter.ReadFile(late, "_notify/pending_tokens.json")!));
    }

    [Test]
    public void Acknowledgements_are_kept_within_bounds_and_read_does_not_become_delivered()
    {
        var ann = _bench.Open("ann");
        var item = Say(ann, "one");
        var at = Instant.FromUnixSeconds(1775822400);

        Assert.True(ann.Queries.AddAck(new IndexedAck(item.Id, "bob", false, at)));
        Assert.False(ann.Queries.AddAck(new IndexedAck(item.Id, "bob", false, at)));
        Assert.True(ann.Queries.AddAck(new IndexedAck(item.Id, "bob", true, at)));
        Assert.False(ann.Queries.AddAck(new IndexedAck(item.Id, "bob", false, at)));
        Assert.True(ann.Queries.AcksOf(item.Id).Single().IsRead);
        Assert.Contains(
            new NotifyStep("Read on bob", true, "2026-04-10T12:00:00Z"), NotifyTrace.Of(ann, ann.FindMessage(item.Id)));

        using (var transaction = ann.Repository.Begin())
        {
            for (var i = 0; i <= NotifyQueries.AcksMax; i++)
                ann.Queries.AddAck(new IndexedAck($"msg-{i:x8}", "eve", false, at));
            transaction.Commit();
        }

        Assert.InRange(
            ann.Repository.Database.QueryInt64("SELECT count(*) FROM fx_notify_ack"), 1, NotifyQueries.AcksMax);
    }

    private static string[] ParentsOf(NotifyRepository notify, NotifyItem item)
    {
        using var select = notify.Repository.Database.Prepare(
            """
            SELECT p.uuid FROM plink JOIN blob AS c ON c.rid=plink.cid JOIN blob AS p ON p.rid=plink.pid
             WHERE c.uuid=?1 ORDER BY isprim DESC
            """);
        select.BindText(1, item.Checkin);
        var parents = new List<string>();
        while (select.Step()) parents.Add(select.Text(0)!);
        return [.. parents];
    }

    private static List<string> TreeFileNames(NotifyRepository notify, NotifyItem item)
    {
        var rid = notify.Repository.Content.Find(ArtifactId.TryParse(item.Checkin!, out var id) ? id : default);
        return [
            .. EdgeSync.Storage.Checkout.TreeFile.AllOf(CheckInTree.Load(notify.Repository, rid)).Select(f => f.Name)];
    }

    private static List<string> CheckinsOf(NotifyRepository notify)
    {
        using var select = notify.Repository.Database.Prepare(
            "SELECT uuid FROM event JOIN blob ON rid=objid WHERE type='ci' ORDER BY uuid");
        var all = new List<string>();
        while (select.Step()) all.Add(select.Text(0)!);
        return all;
    }

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
