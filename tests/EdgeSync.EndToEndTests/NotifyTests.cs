using System.Text.Json;
using EdgeSync.Node.Iroh;
using EdgeSync.Storage;
using EdgeSync.Storage.Notify;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Messages between leaves, over each transport, for scripts and people.</summary>
public sealed class NotifyTests
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_script_goes_on_when_another_machine_answers_and_one_that_was_off_reads_all_later_once()
    {
        using var edgesync = Machines("a", "b", "c");
        using var first = Leaf(edgesync, "a", "--nats-leaf-port", "0", "--poll", "1h");
        var hub = first.Address("nats-leaf");
        using var second = Leaf(edgesync, "b", "--nats", hub, "--poll", "1h");

        // The script: asks, and prints the answer.
        using var script = edgesync.Start(Notify("a", "ask", "Deploy?", "--actions", "Yes, No", "--from", "script"))
            .Begin();
        await second.UntilAsync(() => Threads(edgesync, "b").Count == 1);
        var thread = Threads(edgesync, "b")[0].Short;
        Assert.Equal(1, Threads(edgesync, "b")[0].Unread);
        edgesync.Run(Notify("b", "send", "wait for the tide", "--thread", thread));
        edgesync.Run(Notify("b", "act", thread, "yes", "--from", "ann"));
        var answered = script.WaitForEnd(PatienceMax).MustSucceed();
        Assert.EndsWith($" thread:{thread} from:ann action:yes\n", answered.Output, StringComparison.Ordinal);

        // Both devices have acknowledged.
        var question = QuestionOf(edgesync, "a");
        await first.UntilAsync(() => Read(edgesync, "a", queries => queries.AcksOf(question)).Any(ack => ack.IsRead));
        var trace = edgesync.Ok(Notify("a", "trace", question));
        Assert.Contains("✓ Read on b", trace, StringComparison.Ordinal);
        Assert.DoesNotContain("✗", trace, StringComparison.Ordinal);

        // A device that was off: everything, in order, once, also after a kill.
        using (var third = Leaf(edgesync, "c", "--nats", hub, "--poll", "1h"))
        {
            Assert.Equal(
                ["Deploy?", "wait for the tide", "yes"], Watch(edgesync, "c", 3, "--all"));
            edgesync.Run(Notify("a", "send", "later", "--thread", thread));
            Assert.Equal(["later"], Watch(edgesync, "c", 1));
            third.Kill();
        }

        edgesync.Run(Notify("b", "send", "while it was off", "--thread", thread));
        using (Leaf(edgesync, "c", "--nats", hub, "--poll", "1h"))
            Assert.Equal(["while it was off"], Watch(edgesync, "c", 1));
        Assert.Equal(0, Threads(edgesync, "c")[0].Unread);
    }

    [Test]
    public async Task Commands_without_a_leaf_join_a_NATS_server_themselves()
    {
        using var edgesync = Machines("a", "b");
        using var first = Leaf(edgesync, "a", "--nats-leaf-port", "0", "--poll", "1h");
        string[] join = ["--nats", first.Address("nats-leaf")];

        // A message is with the other node when the command ends.
        edgesync.Run(Notify("b", ["send", "hello", "--from", "bob", .. join]));
        Assert.Single(Threads(edgesync, "a"));

        // A question waits for the answer of the other node, and a watch for its messages.
        using var script = edgesync.Start(
            Notify("b", ["ask", "Deploy?", "--actions", "Yes, No", "--from", "script", .. join])).Begin();
        await first.UntilAsync(() => Threads(edgesync, "a").Count == 2);
        edgesync.Run(Notify("a", "act", Threads(edgesync, "a")[0].Short, "yes", "--from", "ann"));
        Assert.EndsWith(
            " from:ann action:yes\n", script.WaitForEnd(PatienceMax).MustSucceed().Output, StringComparison.Ordinal);
        using var watch = edgesync.Start(Notify("b", ["watch", "--name", "w", "-n", "1", "--json", .. join])).Begin();
        await Patience.UntilAsync(
            () => Read(edgesync, "b", queries => queries.WatchedUpTo("w//")) is not null, PatienceMax,
            () => watch.TextSoFar);
        edgesync.Run(Notify("a", "send", "to all"));
        Assert.Contains("to all", watch.WaitForEnd(PatienceMax).MustSucceed().Output, StringComparison.Ordinal);
    }

    [Test]
    public void A_message_that_nobody_takes_is_kept_and_the_command_says_so()
    {
        using var edgesync = Machines("b");

        var sent = edgesync.Try(Notify("b", "send", "hello", "--nats", "nats://127.0.0.1:1"));

        Assert.Equal(7, sent.ExitCode);
        Assert.Contains("goes with the next sync", sent.Errors, StringComparison.Ordinal);
        edgesync.Run(Notify("b", "threads"));
        Assert.Equal(2, edgesync.Try(Notify("b", "send", "hello", "--nats", "what://x")).ExitCode);
    }

    [Test]
    public async Task A_command_takes_messages_and_refuses_some()
    {
        using var edgesync = Machines("a");
        edgesync.Run(Notify("a", "init"));
        using var watch = edgesync.Start(Notify(
            "a", "watch", "--name", "bot", "--from", "bot", "-n", "2", "--exec",
            $"(cat; echo $EDGESYNC_NOTIFY_PROJECT) >> {edgesync["seen"]}; test -e {edgesync["ready"]}"))
            .Begin();
        await Patience.UntilAsync(
            () => Read(edgesync, "a", queries => queries.WatchedUpTo("bot//")) is not null, PatienceMax,
            () => watch.TextSoFar);
        edgesync.Run(Notify("a", "send", "one", "--project", "ship"));
        edgesync.Run(Notify("a", "send", "of the bot itself", "--project", "ship", "--from", "bot"));
        edgesync.Run(Notify("a", "send", "two", "--project", "ship"));
        await Patience.UntilAsync(
            () => watch.ErrorsSoFar.Contains("it is offered again", StringComparison.Ordinal), PatienceMax,
            () => watch.TextSoFar);
        edgesync.Write("ready", "");
        watch.WaitForEnd(PatienceMax).MustSucceed();

        var bodies = new List<string>();
        foreach (var line in File.ReadAllLines(edgesync["seen"]).Where(l => l != "ship"))
        {
            using var message = JsonDocument.Parse(line);
            bodies.Add(message.RootElement.GetProperty("body").GetString()!);
        }

        Assert.Equal(["one", "two"], bodies.Distinct());
        Assert.True(bodies.Count(b => b == "one") >= 2, "a refused message is offered again");
        Assert.Single(bodies, "two");
    }

    [Test]
    public async Task Messages_and_their_files_go_both_ways_over_HTTP_and_leave_the_repository_its_path()
    {
        using var edgesync = Machines("a", "b");
        edgesync.Run(Notify("a", "init"));
        foreach (var file in (string[])["a/project.fossil", "a/notify.fossil"])
            edgesync.Run("repo", "user", "update", "nobody", "--cap", "cghijoyz", "-R", file);

        using var first = Leaf(edgesync, "a", "--no-nats");
        var url = first.Address("http");
        using var second = Leaf(
            edgesync, "b", "--no-nats", "--poll", "200ms", "--peer", url + "/", "--notify-peer", url + "/notify");
        edgesync.Write("plan.txt", "plan\n");

        edgesync.Run(Notify("b", "send", "look", "--media", edgesync["plan.txt"]));
        await first.UntilAsync(() => Threads(edgesync, "a").Count == 1);
        var thread = Threads(edgesync, "a")[0].Short;
        edgesync.Run(Notify("a", "reply", thread, "seen"));
        Assert.Equal(["look", "seen"], Watch(edgesync, "b", 2, "--all"));
        var question = QuestionOf(edgesync, "a");
        await first.UntilAsync(() => edgesync.Try(Notify("a", "media", question)).ExitCode == 0);
        Assert.Equal("plan\n", edgesync.Run(Notify("a", "media", question)).Output);

        // The only repository of a node stays at every path; messages have their own.
        edgesync.Run("repo", "clone", url + "/", "copy.fossil");
        edgesync.Run("repo", "clone", url + "/notify", "messages.fossil");
        Assert.Equal(ProjectOf(edgesync, "a/project.fossil"), ProjectOf(edgesync, "copy.fossil"));
        Assert.Equal(ProjectOf(edgesync, "b/notify.fossil"), ProjectOf(edgesync, "messages.fossil"));
    }

    [Test]
    public async Task Peers_that_a_repository_trusts_get_its_messages_over_iroh()
    {
        using var edgesync = Machines("a", "b");
        string id;
        using (var key = EndpointKeyFile.Ensure(edgesync["b/project.fossil.iroh-key"])) id = key.Id.ToString();
        edgesync.Run("peers", "trust", id, "-R", "a/project.fossil");
        string[] iroh =
            ["--iroh", "--iroh-discovery", "off", "--iroh-relay", "off", "--iroh-bind", "127.0.0.1:0", "--no-nats"];
        using var first = Leaf(edgesync, "a", iroh);
        edgesync.Run("peers", "trust", first.Address("iroh"), "-R", "b/project.fossil");
        using var second = Leaf(edgesync, "b", [.. iroh, "--poll", "200ms"]);

        edgesync.Run(Notify("b", "send", "over iroh"));
        await first.UntilAsync(() => Threads(edgesync, "a").Count == 1);
        edgesync.Run(Notify("a", "send", "and back"));
        await second.UntilAsync(() => Threads(edgesync, "b").Count == 2);
    }

    private static EdgeSyncProgram Machines(params string[] names)
    {
        var edgesync = new EdgeSyncProgram();
        Directory.CreateDirectory(edgesync["origin"]);
        edgesync.Run("repo", "new", "origin/project.fossil", "--user", "tester");
        foreach (var name in names)
        {
            Directory.CreateDirectory(edgesync[name]);
            File.Copy(edgesync["origin/project.fossil"], edgesync[$"{name}/project.fossil"]);
            edgesync.Run(Notify(name, "init", "--device", name));
        }

        return edgesync;
    }

    private static RunningNode Leaf(EdgeSyncProgram edgesync, string machine, params string[] options) => new(
        edgesync, ["leaf", "--repo", $"{machine}/project.fossil", "--notify", "--name", machine, .. options]);

    private static string[] Notify(string machine, params string[] words) =>
        ["notify", .. words, "-R", $"{machine}/project.fossil"];

    private static IReadOnlyList<IndexedThread> Threads(EdgeSyncProgram edgesync, string machine) =>
        Read(edgesync, machine, queries => queries.Threads(null, false, 10));

    private static string QuestionOf(EdgeSyncProgram edgesync, string machine) => Read(
        edgesync, machine, queries => queries.Arrived(default, 0, 1)[0].Id);

    // In this process: what the node has found so far.
    private static T Read<T>(EdgeSyncProgram edgesync, string machine, Func<NotifyQueries, T> read)
    {
        using var repository = Repository.Open(edgesync[$"{machine}/notify.fossil"], RepositoryOptions.ReadOnly);
        return read(new NotifyQueries(repository));
    }

    // Bodies that the watch prints until it ends by itself.
    private static List<string> Watch(EdgeSyncProgram edgesync, string machine, int count, params string[] options)
    {
        using var watch = edgesync.Start(Notify(machine, ["watch", "--json", "-n", $"{count}", .. options])).Begin();
        var bodies = new List<string>();
        foreach (var line in watch.WaitForEnd(PatienceMax).MustSucceed().Output.TrimEnd().Split('\n'))
        {
            using var message = JsonDocument.Parse(line);
            bodies.Add(message.RootElement.GetProperty("message").GetProperty("body").GetString()!);
        }

        return bodies;
    }

    private static string ProjectOf(EdgeSyncProgram edgesync, string file) =>
        edgesync.Json("repo", "info", "-R", file).GetProperty("project_code").GetString()!;
}
