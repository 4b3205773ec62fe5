using System.Text;
using EdgeSync.Agent;
using EdgeSync.Agent.Bridge;
using EdgeSync.Agent.Messages;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Agent;

public class UpstreamProbeTests
{
    private const string Project = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c";

    private static readonly Instant Start = AgentDriver.Start;

    [Test]
    public void Without_listeners_the_server_is_not_polled()
    {
        var bridge = Bridge();

        bridge.OnDeadline(Start);

        Assert.Empty(Take(bridge));
        Assert.Null(bridge.Deadline);
    }

    [Test]
    public void A_probe_is_a_pull_that_requests_nothing()
    {
        var bridge = Bridge(new ProbeOptions { Login = "reader", Password = "secret" });
        bridge.OnListener(Start, Project);

        var text = Encoding.UTF8.GetString(Decode(Assert.IsType<BridgeEffect.Probe>(Assert.Single(Take(bridge))).Body));

        var lines = text.Split('\n');
        Assert.StartsWith("login reader ", lines[0], StringComparison.Ordinal);
        Assert.Matches($"^pull [0-9a-f]{{40}} {Project}$", lines[1]);
        Assert.True(
            XferLogin.NonceFits(
                Encoding.ASCII.GetBytes(lines[0].Split(' ')[2]),
                Encoding.UTF8.GetBytes(text[(lines[0].Length + 1)..])));
    }

    [Test]
    public void New_artifacts_in_a_reply_are_announced()
    {
        var (bridge, now) = Telling(Ids(1, 2));

        var news = Assert.IsType<BridgeEffect.Announce>(
            Assert.Single(Look(bridge, ref now, Answer(Ids(1, 2, 3, 4))))).Announcement;

        Assert.Equal((Id(4), "bridge", NodeRole.Hub), (news.Uuid, news.PeerId, news.Role));
        Assert.Equal([Id(3)], news.Files);
        Assert.Empty(Look(bridge, ref now, Answer(Ids(1, 2, 3, 4))));
    }

    [Test]
    public void The_first_reply_announces_the_newest_and_stops_polling_leaves()
    {
        var bridge = Bridge();
        bridge.OnListener(Start, Project);
        var now = Start;

        var effects = Look(bridge, ref now, Answer(Ids(1, 2)), isFirst: true);

        Assert.Equal(Id(2), effects.OfType<BridgeEffect.Announce>().Single().Announcement.Uuid);
        Assert.Single(effects.OfType<BridgeEffect.Show>());
        Assert.True(bridge.Tells(Project));
    }

    [Test]
    public void Artifacts_announced_in_our_name_are_not_announced_again()
    {
        var (bridge, now) = Telling(Ids(1));
        bridge.OnAnnouncement(now, Project, new Announcement { Uuid = Id(3), PeerId = "bridge", Files = [Id(2)] });
        bridge.OnAnnouncement(now, Project, new Announcement { Uuid = Id(4), PeerId = "somebody" });

        var effects = Look(bridge, ref now, Answer(Ids(1, 2, 3, 4)));

        Assert.Equal(Id(4), Assert.IsType<BridgeEffect.Announce>(Assert.Single(effects)).Announcement.Uuid);
    }

    [Test]
    public void Private_artifacts_are_not_announced()
    {
        var (bridge, now) = Telling(Ids(1));

        Assert.Empty(Look(bridge, ref now, Answer(Ids(1) + $"igot {Id(2)} 1\n")));
    }

    [Test]
    public void Probes_back_off_and_a_change_resets_them()
    {
        var options = new ProbeOptions();
        var (bridge, now) = Telling(Ids(1));
        for (var i = 0; i < 30; i++)
        {
            bridge.OnListener(now, Project);
            Look(bridge, ref now, Answer(Ids(1)));
        }

        Assert.Equal(options.PauseMax, bridge.Deadline!.Value - now);
        Look(bridge, ref now, Answer(Ids(1, 2)));
        Assert.Equal(options.PauseMin, bridge.Deadline!.Value - now);
    }

    [Test]
    public void A_probe_under_way_during_a_change_is_repeated()
    {
        var (bridge, now) = Telling(Ids(1));
        now = bridge.Deadline!.Value;
        bridge.OnDeadline(now);
        Assert.Single(Take(bridge));

        bridge.Nudge(now);
        Assert.Empty(Take(bridge));
        bridge.OnProbed(now, Project, Answer(Ids(1)), null);

        Assert.Equal(now, bridge.Deadline);
    }

    [Test]
    public void A_server_without_read_rights_is_logged_once_and_polled_rarely()
    {
        var (bridge, now) = Telling(Ids(1));

        var effects = Look(bridge, ref now, Answer("error not\\sauthorized\\sto\\sread\n"));

        Assert.Contains(
            "not authorized to read", effects.OfType<BridgeEffect.ProbeFailed>().Single().Reason,
            StringComparison.Ordinal);
        Assert.Single(effects.OfType<BridgeEffect.Show>());
        Assert.False(bridge.Tells(Project));
        Assert.Empty(Look(bridge, ref now, Answer("error not\\sauthorized\\sto\\sread\n")));
        Assert.True(bridge.Deadline!.Value - now >= TimeSpan.FromSeconds(1));
    }

    [Test]
    public void A_server_that_names_everything_it_has_is_left_to_the_leaves()
    {
        var (bridge, now) = Telling(Ids(1));

        var effects = Look(bridge, ref now, Answer(Ids([.. Enumerable.Range(1, 100_001)])));

        Assert.Contains(
            "more than 100000 artifacts", effects.OfType<BridgeEffect.ProbeFailed>().Single().Reason,
            StringComparison.Ordinal);
        Assert.False(bridge.Tells(Project));
    }

    [Test]
    public void Any_reply_is_handled() => Property.Check(prng =>
    {
        var (bridge, now) = Telling(Ids(1));
        var bytes = new byte[prng.NextInt32(200)];
        prng.Fill(bytes);
        Look(bridge, ref now, bytes);
        bridge.OnListener(now, Project);

        Assert.NotNull(bridge.Deadline);
        Assert.True(bridge.Deadline > now);
    });

    private static (BridgeCore Bridge, Instant Now) Telling(string igots)
    {
        var bridge = Bridge();
        bridge.OnListener(Start, Project);
        var now = Start;
        Look(bridge, ref now, Answer(igots), isFirst: true);
        return (bridge, now);
    }

    /// <summary>Lets the next look happen and answers it; what came of that.</summary>
    private static List<BridgeEffect> Look(BridgeCore bridge, ref Instant now, byte[] answer, bool isFirst = false)
    {
        if (!isFirst)
        {
            now = bridge.Deadline!.Value;
            bridge.OnDeadline(now);
        }

        Assert.IsType<BridgeEffect.Probe>(Assert.Single(Take(bridge)));
        bridge.OnProbed(now, Project, answer, null);
        return Take(bridge);
    }

    private static BridgeCore Bridge(ProbeOptions? options = null)
    {
        var bridge = new BridgeCore(new BridgeOptions(), new Prng(1), new SeededEntropy(1));
        bridge.SetProject(Project, "http://server/", options ?? new ProbeOptions());
        return bridge;
    }

    private static string Id(int number) => number.ToString("x40", System.Globalization.CultureInfo.InvariantCulture);

    private static string Ids(params int[] numbers) => string.Concat(numbers.Select(n => $"igot {Id(n)}\n"));

    private static byte[] Answer(string cards) => Encoding.Latin1.GetBytes(cards);

    private static byte[] Decode(ReadOnlyMemory<byte> body)
    {
        Assert.Equal(XferFrameFault.None, XferFrame.TryDecode(XferEncoding.Zlib, body, 1 << 20, out var message));
        return message.ToArray();
    }

    private static List<BridgeEffect> Take(BridgeCore bridge)
    {
        var effects = new List<BridgeEffect>();
        while (bridge.TryTake(out var effect)) effects.Add(effect);
        return effects;
    }
}
