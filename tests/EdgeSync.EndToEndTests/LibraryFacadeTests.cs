using EdgeSync.Agent.Notify;
using EdgeSync.Node.Host;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Checkouts and messages for programs, by the public members of the library alone.</summary>
public sealed class LibraryFacadeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("facade");

    private static CancellationToken Stop => TestContext.Current!.Execution.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Test]
    public void A_checkout_is_opened_edited_checked_in_updated_and_closed()
    {
        var path = _folder["project.fossil"];
        HostedRepository.Create(path, "ann", out _);
        var mine = Checkout.Create(path, _folder["mine"]);
        Assert.False(mine.HasChanges());
        Write("mine/docs/a.txt", "one\ntwo\nthree\n");
        Write("mine/b.txt", "b\n");
        Assert.Equal(["EXTRA b.txt", "EXTRA docs/a.txt"], Words(mine.Status()));
        Assert.Equal(["ADDED b.txt", "ADDED docs/a.txt"], Words(mine.Add("docs", "b.txt")));
        Assert.True(mine.HasChanges());
        var first = mine.Checkin(new CheckoutCheckin { User = "ann", Comment = "first" });
        Assert.Equal(("first", "trunk", first), (first.Comment, first.Branch, mine.Version));

        // Another checkout goes on; an edit of this one is merged with it.
        var other = Checkout.Create(path, _folder["other"], version: "trunk");
        Write("other/docs/a.txt", "one\ntwo\nthree, and more\n");
        other.Rename("b.txt", "c.txt");
        var second = other.Checkin(new CheckoutCheckin { User = "bob", Comment = "second" });
        Write("mine/docs/a.txt", "zero\none\ntwo\nthree\n");
        Assert.True(mine.WouldFork());
        Assert.Equal(
            ErrorKind.Conflict,
            Assert.Throws<EdgeSyncException>(
                () => mine.Checkin(new CheckoutCheckin { User = "ann", Comment = "too late" })).Kind);
        var updated = mine.Update();
        Assert.Equal((second, 0), (updated.Version, updated.Conflicts));
        Assert.Equal("zero\none\ntwo\nthree, and more\n", File.ReadAllText(_folder["mine/docs/a.txt"]));
        Assert.True(File.Exists(_folder["mine/c.txt"]));
        Assert.False(mine.WouldFork());

        // What an update and a revert did is taken back.
        mine.Revert("docs/a.txt");
        Assert.Equal("one\ntwo\nthree, and more\n", File.ReadAllText(_folder["mine/docs/a.txt"]));
        mine.Undo();
        Assert.Equal(["EDITED docs/a.txt"], Words(mine.Status()));
        Assert.Equal(ErrorKind.Conflict, Assert.Throws<EdgeSyncException>(() => mine.Close()).Kind);
        mine.Remove(["c.txt"]);
        mine.Checkin(new CheckoutCheckin { User = "ann", Comment = "third", NewBranch = "side", Tags = ["v1"] });
        Assert.Equal("side", mine.Version!.Branch);
        Assert.Equal(["docs/a.txt"], HostedRepository.Open(path).ListFiles("v1").Select(f => f.Path));
        Assert.Equal(path, Checkout.Open(_folder["mine/docs"]).RepositoryPath);
        mine.Close();
        Assert.Equal(
            ErrorKind.NotFound, Assert.Throws<EdgeSyncException>(() => Checkout.Open(_folder["mine"])).Kind);
    }

    [Test]
    public void A_branch_is_merged_a_check_in_picked_and_taken_back()
    {
        var path = _folder["project.fossil"];
        var mine = Started(path, "mine", "a.txt", "one\ntwo\nthree\n");
        var side = Checkout.Create(path, _folder["side"]);
        Write("side/b.txt", "b\n");
        side.Add("b.txt");
        var first = side.Checkin(new CheckoutCheckin { User = "bob", Comment = "add b", NewBranch = "side" });
        Write("side/a.txt", "one\ntwo\nthree!\n");
        var second = side.Checkin(new CheckoutCheckin { User = "bob", Comment = "shout" });

        // One check-in alone, and back again.
        var picked = mine.Merge(
            new CheckoutMergeRequest { Version = second.Hash, Kind = CheckoutMergeKind.Cherrypick });
        Assert.Equal((second, first, true, 0), (picked.Merged, picked.Baseline, picked.HasMerged, picked.Conflicts));
        Assert.Equal(["UPDATE a.txt"], Words(picked.Files));
        mine.Undo();
        Assert.False(mine.HasChanges());

        // The whole branch, with a conflict that a person settles.
        Write("mine/a.txt", "one\ntwo\nthree?\n");
        mine.Checkin(new CheckoutCheckin { User = "ann", Comment = "ask" });
        var merged = mine.Merge(new CheckoutMergeRequest { Version = "side", Kind = CheckoutMergeKind.Integrate });
        Assert.Equal((second, 1), (merged.Merged, merged.Conflicts));
        Assert.Equal(["ADDED b.txt", "MERGE a.txt"], Words(merged.Files));
        Assert.Equal(
            ErrorKind.Conflict,
            Assert.Throws<EdgeSyncException>(
                () => mine.Checkin(new CheckoutCheckin { User = "ann", Comment = "too early" })).Kind);
        Write("mine/a.txt", "one\ntwo\nthree?!\n");
        var made = mine.Checkin(new CheckoutCheckin { User = "ann", Comment = "merge side" });
        Assert.Equal("b\n"u8.ToArray(), HostedRepository.Open(path).ReadFile(made.Hash, "b.txt"));
        Assert.False(mine.Merge(new CheckoutMergeRequest { Version = "side" }).HasMerged);

        mine.Merge(new CheckoutMergeRequest { Version = first.Hash, Kind = CheckoutMergeKind.Backout });
        Assert.False(File.Exists(_folder["mine/b.txt"]));
        Assert.Equal(
            ErrorKind.Usage,
            Assert.Throws<EdgeSyncException>(() => mine.Merge(new CheckoutMergeRequest
            {
                Version = "side",
                Kind = CheckoutMergeKind.Cherrypick,
                Baseline = "trunk",
            })).Kind);
    }

    [Test]
    public void Changes_are_put_aside_and_brought_back()
    {
        var mine = Started(_folder["project.fossil"], "mine", "a.txt", "one\ntwo\nthree\n");
        Assert.Equal(ErrorKind.NotFound, Assert.Throws<EdgeSyncException>(() => mine.Stash.Save()).Kind);
        Write("mine/a.txt", "one\ntwo\nthree!\n");
        Write("mine/b.txt", "b\n");
        mine.Add("b.txt");

        var saved = mine.Stash.Save("for later", ["a.txt"]);
        Assert.Equal(("for later", mine.Version!.Hash), (saved.Comment, saved.Version));
        Assert.Equal(["ADDED b.txt"], Words(mine.Status()));
        var copy = mine.Stash.Save(keepsFiles: true);
        Assert.Equal(["ADD b.txt"], Words(copy.Files));
        Assert.Equal([saved.Number, copy.Number], mine.Stash.List().Select(s => s.Number));

        // What was edited meanwhile is merged.
        Write("mine/a.txt", "zero\none\ntwo\nthree\n");
        var popped = mine.Stash.Pop(saved.Number);
        Assert.Equal((saved.Number, 0), (popped.Changes.Number, popped.Conflicts));
        Assert.Equal(["MERGE a.txt"], Words(popped.Files));
        Assert.Equal("zero\none\ntwo\nthree!\n", File.ReadAllText(_folder["mine/a.txt"]));
        Assert.Equal(
            ErrorKind.NotFound, Assert.Throws<EdgeSyncException>(() => mine.Stash.Apply(saved.Number)).Kind);

        mine.Stash.Drop(copy.Number);
        Assert.Empty(mine.Stash.List());
        mine.Undo();
        Assert.Equal(copy.Number, mine.Stash.List().Single().Number);
        mine.Stash.Clear();
        Assert.Empty(mine.Stash.List());
    }

    [Test]
    public void The_check_in_that_broke_something_is_found()
    {
        var mine = Started(_folder["project.fossil"], "mine", "a.txt", "");
        var versions = new List<CheckinSummary> { mine.Version! };
        for (var i = 1; i < 12; i++)
        {
            // Of another size each time: a file that keeps it within a second looks unchanged.
            Write("mine/a.txt", new string('x', i));
            versions.Add(mine.Checkin(new CheckoutCheckin { User = "ann", Comment = $"step {i}" }));
        }

        // By hand: the search goes to the check-in halfway.
        Assert.Equal(
            ErrorKind.Usage,
            Assert.Throws<EdgeSyncException>(() => mine.Bisect.Run(_ => BisectVerdict.Good)).Kind);
        Assert.Null(mine.Bisect.Bad().Next);
        var state = mine.Bisect.Good(versions[0].Hash);
        Assert.Equal((versions[0], versions[^1], false), (state.Good, state.Bad, state.IsComplete));
        Assert.Equal(mine.Version, state.Next);
        Assert.Equal(state, mine.Bisect.State);
        var skipped = mine.Bisect.Skip();
        Assert.NotEqual(state.Next, skipped.Next);
        Assert.Equal(state.Next, mine.Bisect.Undo().Next);

        // By a test of the program, which sees the files.
        var tried = 0;
        var found = mine.Bisect.Run(_ =>
        {
            tried++;
            return File.ReadAllText(_folder["mine/a.txt"]).Length < 7 ? BisectVerdict.Good : BisectVerdict.Bad;
        });
        Assert.True(found.IsComplete);
        Assert.Equal((versions[6], versions[7]), (found.Good, found.Bad));
        Assert.True(tried < 6);
        Assert.False(mine.Bisect.FollowsMerges);
        mine.Bisect.FollowsMerges = true;
        Assert.True(mine.Bisect.FollowsMerges);
        mine.Bisect.Reset();
        Assert.Equal(new BisectState(null, null, false), mine.Bisect.State);
    }

    [Test]
    public async Task Messages_are_sent_asked_answered_and_watched()
    {
        var path = _folder["ship.fossil"];
        HostedRepository.Create(path, "ann", out _);
        Assert.Equal(ErrorKind.NotFound, Assert.Throws<EdgeSyncException>(() => NotifyService.Open(path)).Kind);
        var notify = NotifyService.Create(path, device: "ship7");
        Assert.Equal(("ship7", _folder["notify.fossil"]), (NotifyService.Open(path).Device, notify.Path));

        // A bot answers what others ask, and not itself.
        var bot = notify.WatchAsync(
            new NotifyWatchRequest { Name = "bot", Without = "bot" }, Stop).GetAsyncEnumerator(Stop);
        var asked = notify.AskAsync(
            new NotifySendRequest
            {
                Body = "Deploy?",
                Project = "ship",
                Priority = NotifyPriority.Urgent,
                Actions = ["Yes please", "No"],
                FromName = "script",
            },
            timeout: null, Stop);
        Assert.True(await bot.MoveNextAsync());
        var question = bot.Current;
        Assert.Equal(("Deploy?", "yes_please"), (question.Body, question.Actions[0].Id));
        notify.Act(question.Id, "Yes please", fromName: "bot");
        var answer = await asked;
        Assert.Equal(("yes_please", "bot", question.Id), (answer!.Body, answer.FromName, answer.ReplyTo));

        // It stops before it asks for the next one: this one comes again, and then none twice.
        await bot.DisposeAsync();
        notify.Send(new NotifySendRequest
        {
            Body = "see this",
            Thread = question.Thread,
            Media = new Dictionary<string, ReadOnlyMemory<byte>> { ["plan.txt"] = "plan"u8.ToArray() },
        });
        var bodies = new List<string>();
        await foreach (var message in notify.WatchAsync(
            new NotifyWatchRequest { Name = "bot", Without = "bot" }, Stop))
        {
            bodies.Add(message.Body);
            if (bodies.Count == 2) break;
        }

        Assert.Equal(["Deploy?", "see this"], bodies);
        var last = notify.Messages(question.Thread)[^1];
        Assert.Equal("plan"u8.ToArray(), notify.ReadMedia("ship", last.Media[0]));
        var thread = notify.Threads(10).Single();
        Assert.Equal(
            ("ship", question.Thread, 3L, NotifyPriority.Urgent),
            (thread.Project, thread.Id, thread.MessageCount, thread.Priority));
        Assert.Null(await notify.AskAsync(
            new NotifySendRequest { Body = "Still there?" }, TimeSpan.FromMilliseconds(1), Stop));
        Assert.Equal(
            ErrorKind.NotFound, Assert.Throws<EdgeSyncException>(() => notify.Reply("msg-00000000", "x")).Kind);
    }

    [Test]
    public void A_device_is_paired_by_a_token_once()
    {
        HostedRepository.Create(_folder["ship.fossil"], "ann", out _);
        var notify = NotifyService.Create(_folder["ship.fossil"], device: "ship7");

        var (token, expiresAt) = notify.OfferPairing("phone");

        Assert.True(expiresAt > DateTimeOffset.UtcNow);
        Assert.Equal("phone", notify.AcceptPairing(token.ToLowerInvariant()));
        Assert.Throws<EdgeSyncException>(() => notify.AcceptPairing(token));
    }

    /// <summary>A repository, and a checkout of its first check-in with one file.</summary>
    private Checkout Started(string path, string folder, string name, string text)
    {
        HostedRepository.Create(path, "ann", out _);
        var checkout = Checkout.Create(path, _folder[folder]);
        Write($"{folder}/{name}", text);
        checkout.Add(name);
        checkout.Checkin(new CheckoutCheckin { User = "ann", Comment = "first" });
        return checkout;
    }

    private static IEnumerable<string> Words(IEnumerable<CheckoutFile> files) =>
        files.Select(f => $"{f.Change} {f.Path}").Order(StringComparer.Ordinal);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        File.WriteAllText(_folder[name], text);
    }
}
