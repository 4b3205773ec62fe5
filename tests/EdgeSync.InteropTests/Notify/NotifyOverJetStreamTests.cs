using System.Text.Json;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Host;
using EdgeSync.Storage;
using EdgeSync.Storage.Notify;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Notify;

/// <summary>
/// Messages between two leaves whose only link is an outside nats-server with JetStream. No poll falls into the test.
/// </summary>
public sealed class NotifyOverJetStreamTests
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private static CancellationToken Stop => TestContext.Current!.Execution.CancellationToken;

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_leaf_that_was_off_has_all_messages_in_order_once_as_soon_as_it_is_back(bool isLeafLink)
    {
        using var edgesync = new EdgeSyncProgram();
        var leafPort = Ports.Free();
        using var server = StockNats.Start($$"""
            jetstream { domain: hub, store_dir: "{{edgesync["jetstream"]}}" }
            leafnodes { listen: 127.0.0.1:{{leafPort}} }
            """);
        string[] link = isLeafLink
            ? ["--nats", $"nats-leaf://127.0.0.1:{leafPort}", "--nats-jetstream-domain", "hub"]
            : ["--nats", server.Url];
        HostedRepository.Create(edgesync["project.fossil"], "tester", out _);
        foreach (var name in (string[])["a", "b"])
        {
            Directory.CreateDirectory(edgesync[name]);
            File.Copy(edgesync["project.fossil"], edgesync[$"{name}/project.fossil"]);
            NotifyService.Create(edgesync[$"{name}/project.fossil"], device: name);
        }

        using var first = Leaf(edgesync, "a", link);
        string thread;
        using (var second = Leaf(edgesync, "b", link))
        {
            thread = Send(edgesync, "a", "while both are on", null);
            await second.UntilAsync(() => Bodies(edgesync, "b").Count == 1);
            Assert.Equal(0, second.Stop());
        }

        string[] sent = ["one", "two", "three", "four", "five"];
        foreach (var body in sent) Send(edgesync, "a", body, thread);
        await UntilAnnouncedAsync(edgesync, server);

        // The messages come by the sync that follows its start.
        using (var second = Leaf(edgesync, "b", link))
        {
            Send(edgesync, "a", "and more", thread);
            Assert.Equal(["while both are on", .. sent, "and more"], Watch(edgesync, "b", 7));
            Assert.Equal(["while both are on", .. sent, "and more"], Bodies(edgesync, "b"));
        }
    }

    private static RunningNode Leaf(EdgeSyncProgram edgesync, string machine, string[] link) => new(
        edgesync,
        [
            "leaf", "--repo", $"{machine}/project.fossil", "--notify", "--name", machine, "--poll", "1h", .. link,
        ]);

    // Returns the thread.
    private static string Send(EdgeSyncProgram edgesync, string machine, string body, string? thread) =>
        NotifyService.Open(edgesync[$"{machine}/project.fossil"]).Send(
            new NotifySendRequest { Body = body, Project = "project", Thread = thread }).Thread;

    // In order of arrival.
    private static List<string> Bodies(EdgeSyncProgram edgesync, string machine)
    {
        using var repository = Repository.Open(edgesync[$"{machine}/notify.fossil"], RepositoryOptions.ReadOnly);
        return
        [
            .. new NotifyQueries(repository).Arrived(default, 0, 100).Select(message =>
            {
                using var content = repository.Content.Get(message.Content);
                using var json = JsonDocument.Parse(content.Memory);
                return json.RootElement.GetProperty("body").GetString()!;
            }),
        ];
    }

    // Bodies that the watch prints until it ends by itself.
    private static List<string> Watch(EdgeSyncProgram edgesync, string machine, int count)
    {
        using var watch = edgesync.Start(
            [
                "notify", "watch", "--all", "--name", "test", "--json", "-n", $"{count}", "-R",
                $"{machine}/project.fossil",
            ]).Begin();
        var bodies = new List<string>();
        foreach (var line in watch.WaitForEnd(PatienceMax).MustSucceed().Output.TrimEnd().Split('\n'))
        {
            using var message = JsonDocument.Parse(line);
            bodies.Add(message.RootElement.GetProperty("message").GetProperty("body").GetString()!);
        }

        return bodies;
    }

    // Until the server holds an announcement of the newest check-in.
    private static async Task UntilAnnouncedAsync(EdgeSyncProgram edgesync, StockNats server)
    {
        string code, newest;
        using (var repository = Repository.Open(edgesync["a/notify.fossil"], RepositoryOptions.ReadOnly))
        {
            code = repository.ProjectCode;
            var last = new NotifyQueries(repository).Arrived(default, 0, 100)[^1];
            newest = repository.Content.NameOf(last.Checkin).ToString();
        }

        var subjects = new ProjectSubjects("fossil", code);
        var stream = new NatsStreamSpec(AnnouncementStream.NameOf(subjects), subjects.Commit, "hub")
        {
            MessagesMax = AnnouncementStream.MessagesMax,
            BytesMax = AnnouncementStream.BytesMax,
            AgeMax = AnnouncementStream.AgeMax,
            MessageBytesMax = Announcement.BytesMax,
        };
        await using var nats = new NatsNetBus(new NatsNetOptions { Url = server.Url }, TimeProvider.System);
        await nats.StartAsync(Stop);
        var held = "nothing";
        await Patience.UntilAsync(
            async () =>
            {
                var tail = await nats.ReadTailAsync(stream, 0, 64, Stop);
                if (tail is null || tail.LastSequence == 0) return false;

                tail = await nats.ReadTailAsync(stream, tail.LastSequence - 1, 64, Stop);
                return tail!.Messages.Any(payload => Announcement.TryParse(payload.Span, out var announcement)
                    && (held = announcement.Uuid) == newest);
            },
            PatienceMax, () => $"the stream holds {held} in place of {newest}");
    }
}
