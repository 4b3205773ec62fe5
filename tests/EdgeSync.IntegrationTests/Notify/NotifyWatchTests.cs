using EdgeSync.Node.Notify;
using EdgeSync.Storage;
using static EdgeSync.IntegrationTests.Notify.NotifyBench;

namespace EdgeSync.IntegrationTests.Notify;

/// <summary>Watches and questions: each message once, in order, over restarts.</summary>
public sealed class NotifyWatchTests : IDisposable
{
    private readonly NotifyBench _bench = new();

    private static CancellationToken Stop => TestContext.Current!.Execution.CancellationToken;

    public void Dispose() => _bench.Dispose();

    [Test]
    public async Task A_watch_goes_on_where_it_ended()
    {
        var (ann, bob) = (_bench.Open("ann"), _bench.Open("bob"));
        var thread = Say(ann, "before").ThreadShort;
        _bench.Sync(ann, bob);
        Assert.Equal([], await TakeAsync("bob", 0));

        // It was off meanwhile.
        for (var i = 0; i < 5; i++) Say(ann, $"{i}", thread);
        Say(ann, "another thread");
        _bench.Sync(ann, bob);

        Assert.Equal(["0", "1"], await TakeAsync("bob", 2));
        Assert.Equal(["2", "3", "4", "another thread"], await TakeAsync("bob", 4));
        Assert.Equal(["before", "0", "1"], await TakeAsync("bob", 3, new() { Name = "other", IsFromStart = true }));
        var newest = ann.Threads(null, false, 1)[0].ThreadShort;
        Assert.Equal(
            ["another thread"],
            await TakeAsync("bob", 1, new() { Name = "third", IsFromStart = true, Thread = newest }));
        Assert.Equal(0, Unread(_bench.Open("bob")));
    }

    [Test]
    public async Task What_arrives_while_it_waits_wakes_it()
    {
        var ann = _bench.Open("ann");
        Say(ann, "before");
        using var watch = Watch("ann", new() { Name = "w" });
        var taken = new List<string>();
        var running = watch.RunAsync(
            (item, _) =>
            {
                taken.Add(item.Body);
                return Task.FromResult<bool?>(taken.Count == 2 ? null : true);
            },
            Stop);

        Say(ann, "one");
        Say(ann, "two");
        await running;

        Assert.Equal(["one", "two"], taken);
    }

    [Test]
    public async Task A_refused_message_is_given_up_stays_unread_and_does_not_block_the_next()
    {
        var (ann, bob) = (_bench.Open("ann"), _bench.Open("bob"));
        Say(ann, "bad");
        Say(ann, "good");
        _bench.Sync(ann, bob);
        var given = new List<string>();
        using var watch = new NotifyWatch(
            Repository.Open(bob.Repository.Path),
            new NotifyWatchOptions { Name = "w", IsFromStart = true, AttemptsMax = 1 }, TimeProvider.System)
        {
            GivenUp = item => given.Add(item.Body),
        };

        await watch.RunAsync((item, _) => Task.FromResult<bool?>(item.Body == "bad" ? false : null), Stop);

        Assert.Equal(["bad"], given);
        Assert.Equal(1, Unread(bob));
        Say(ann, "next");
        _bench.Sync(ann, bob);
        Assert.Equal(["next"], await TakeAsync("bob", 1, new() { Name = "w" }));
    }

    [Test]
    public async Task A_refused_message_is_offered_again_before_the_next_one()
    {
        var (ann, bob) = (_bench.Open("ann"), _bench.Open("bob"));
        Say(ann, "one");
        Say(ann, "two");
        _bench.Sync(ann, bob);
        var offered = new List<string>();
        using var watch = Watch("bob", new() { Name = "w", IsFromStart = true });

        await watch.RunAsync(
            (item, _) =>
            {
                offered.Add(item.Body);
                return Task.FromResult<bool?>(offered.Count == 1 ? false : item.Body == "two" ? null : true);
            },
            Stop);

        Assert.Equal(["one", "one", "two"], offered);
        Assert.Equal(0, Unread(bob));
    }

    [Test]
    public async Task Own_messages_under_the_own_name_are_left_out_when_asked()
    {
        var ann = _bench.Open("ann");
        ann.Send(new NotifySend("mine") { Project = "ship", FromName = "bot" });
        ann.Send(new NotifySend("of a person here") { Project = "ship", FromName = "ann" });

        Assert.Equal(
            ["of a person here"],
            await TakeAsync("ann", 1, new() { Name = "w", IsFromStart = true, Without = "bot" }));
    }

    [Test]
    public async Task A_question_takes_its_own_answer_and_no_other_message()
    {
        var ann = _bench.Open("ann");
        using var asking = Repository.Open(ann.Repository.Path);
        var asked = new TaskCompletionSource<NotifyItem>(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = NotifyAsk.RunAsync(
            asking, new NotifySend("Deploy?") { Project = "ship", Actions = "Yes, No" }, null,
            item => asked.SetResult(item), (_, _) => { }, TimeProvider.System, Stop);
        var question = await asked.Task;

        ann.Update();
        Say(ann, "something else", question.ThreadShort);
        var last = Say(ann, "no answer", question.ThreadShort);
        ann.Reply(last.Id, new NotifySend("to another one"));
        ann.Act(question.Id, "No", null, "ann");

        Assert.Equal("no", (await answer)!.Body);
    }

    [Test]
    public async Task A_question_without_an_answer_ends_in_time_and_stays()
    {
        var ann = _bench.Open("ann");

        Assert.Null(await NotifyAsk.RunAsync(
            ann.Repository, new NotifySend("Anybody?") { Project = "ship" }, TimeSpan.FromMilliseconds(50), _ => { },
            (_, _) => { }, TimeProvider.System, Stop));
        Assert.Equal(["Anybody?"], Arrived(ann));
    }

    private NotifyWatch Watch(string device, NotifyWatchOptions options) =>
        new(Repository.Open(_bench.PathOf(device)), options, TimeProvider.System);

    // The next messages of the watch "w" or of another one, each in a run of its own.
    private async Task<List<string>> TakeAsync(string device, int count, NotifyWatchOptions? options = null)
    {
        var taken = new List<string>();
        using var watch = Watch(device, options ?? new() { Name = "w" });
        if (count == 0) return taken;

        await watch.RunAsync(
            (item, _) =>
            {
                taken.Add(item.Body);
                return Task.FromResult<bool?>(taken.Count == count ? null : true);
            },
            Stop);
        return taken;
    }
}
