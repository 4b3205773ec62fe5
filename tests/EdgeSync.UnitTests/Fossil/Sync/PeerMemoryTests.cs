using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Sync;

/// <summary>
/// A push does not announce again what the peer has, and detects when that has changed.
/// </summary>
public class PeerMemoryTests
{
    private const int Checkins = 700;

    [Test]
    public void A_second_push_of_nothing_is_one_small_round()
    {
        var (client, server) = (NewClient(), SampleProject.Create());
        Push(client, server);
        var exchange = new DirectExchange(server);

        var report = Push(client, exchange);

        Assert.Equal((1, 0), (report.Rounds, report.ArtifactsSent));
        Assert.InRange(exchange.Requests[0].Length, 1, 12_000);
        Assert.DoesNotContain("send-catalog", Encoding.UTF8.GetString(exchange.Requests[0]), StringComparison.Ordinal);
    }

    [Test]
    public void A_push_of_nothing_writes_nothing_the_second_time()
    {
        var (client, server) = (NewClient(), SampleProject.Create());
        Push(client, server);
        var mark = client.State.PeerMarks["server"];

        Push(client, new DirectExchange(server), after: TimeSpan.FromHours(1));

        Assert.Equal(mark, client.State.PeerMarks["server"]);
    }

    [Test]
    public void One_new_check_in_is_one_round_and_moves_the_mark()
    {
        var (client, server) = (NewClient(), SampleProject.Create());
        Push(client, server);
        SampleProject.CheckIn(client, "one more", client.HeldIds()[0], ("new.txt", "new"));
        var exchange = new DirectExchange(server);

        var report = Push(client, exchange);

        Assert.Equal((1, 2), (report.Rounds, report.ArtifactsSent));
        Assert.Equal(client.HeldIds(), server.HeldIds());
        Assert.InRange(exchange.Requests[0].Length, 1, 12_000);
        Assert.Equal(client.HeldIds().Count, (int)client.State.PeerMarks["server"].Through.Value);
    }

    [Test]
    public void Without_a_mark_few_new_artifacts_are_announced_with_the_rest_in_one_round()
    {
        var (client, server) = (NewClient(), SampleProject.Create());
        new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Push));
        SampleProject.CheckIn(client, "one more", client.HeldIds()[0], ("new.txt", "new"));

        var report = new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Push));

        Assert.Equal((1, 2), (report.Rounds, report.ArtifactsSent));
        Assert.Equal(client.HeldIds(), server.HeldIds());
    }

    [Test]
    [Arguments(Checkins - 1)]
    [Arguments(Checkins / 2)]
    [Arguments(0)]
    public void A_server_restored_from_a_backup_gets_what_it_lost(int checkinsInBackup)
    {
        var (client, server) = (NewClient(), SampleProject.Create());
        Push(client, server);
        var restored = SampleProject.Create();
        SampleProject.History(restored, checkinsInBackup);

        var report = Push(client, new DirectExchange(restored));

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Empty(client.HeldIds().Except(restored.HeldIds()));
    }

    [Test]
    public void A_gap_below_what_is_announced_is_found_when_the_mark_is_a_day_old()
    {
        var client = SampleProject.Create();
        var gap = client.Add("a text that nothing refers to"u8.ToArray());
        SampleProject.History(client, Checkins);
        Push(client, new DirectExchange(SampleProject.Create()));
        var other = SampleProject.Create();
        foreach (var row in client.State.ByRid)
            if (row.Id != gap)
                other.Add(row.Text!);

        Push(client, new DirectExchange(other), after: TimeSpan.FromHours(23));
        Assert.DoesNotContain(gap, other.HeldIds());

        Push(client, new DirectExchange(other), after: TimeSpan.FromHours(25));
        Assert.Contains(gap, other.HeldIds());
        Assert.Equal(DirectExchange.Now + TimeSpan.FromHours(25), client.State.PeerMarks["server"].ComparedAt);
    }

    [Test]
    public void A_server_that_accepts_nothing_gets_no_mark()
    {
        var client = NewClient();
        var options = Options(SyncActions.Sync) with { Login = null };

        var report = new DirectExchange(SampleProject.Create()).Run(client, options);

        Assert.True(report.PushRefused);
        Assert.Empty(client.State.PeerMarks);
    }

    [Test]
    public void Each_server_has_its_own_mark()
    {
        var (client, first, second) = (NewClient(), SampleProject.Create(), SampleProject.Create());
        Push(client, first);

        new DirectExchange(second).Run(client, Options(SyncActions.Push) with { PeerKey = "another" });

        Assert.Equal(client.HeldIds(), second.HeldIds());
    }

    private static MemoryArtifactStore NewClient()
    {
        var client = SampleProject.Create();
        SampleProject.History(client, Checkins);
        return client;
    }

    private static ClientOptions Options(SyncActions actions) =>
        SampleProject.Options(actions) with { PeerKey = "server" };

    private static void Push(MemoryArtifactStore client, MemoryArtifactStore server) =>
        Assert.Equal(Checkins * 3, Push(client, new DirectExchange(server)).ArtifactsSent);

    private static SyncReport Push(MemoryArtifactStore client, DirectExchange exchange, TimeSpan after = default) =>
        exchange.Run(
            client, Options(SyncActions.Push), seed: (ulong)(7 + after.Ticks), now: DirectExchange.Now + after);
}
