using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Agent;

/// <summary>One core under a clock of the test, with everything that it wanted so far.</summary>
internal sealed class AgentDriver
{
    public static readonly Instant Start = Instant.FromUnixSeconds(1_700_000_000);

    public static readonly ProjectSubjects Subjects = new("fossil", SampleProject.Code);

    public AgentDriver(AgentOptions? options = null, AgentMemory? memory = null, ulong seed = 1)
    {
        Core = new AgentCore(
            options ?? Options(), memory ?? new AgentMemory { PublishedRid = new RecordId(10) }, Now, new Prng(seed));
        Settle();
    }

    public AgentCore Core { get; }

    public Instant Now { get; private set; } = Start;

    public List<AgentEffect> Effects { get; } = [];

    /// <summary>The changes that the repository returns.</summary>
    public RepositoryChanges News { get; set; } = new() { MaxRid = new RecordId(10) };

    public IEnumerable<AgentEffect.StartSync> Syncs => Effects.OfType<AgentEffect.StartSync>();

    public IEnumerable<Announcement> Announcements => Published(Subjects.Commit)
        .Select(p => Announcement.TryParse(p, out var a) ? a : throw new InvalidOperationException("no announcement"));

    public IEnumerable<Presence> Presences => Published(Subjects.Presence)
        .Select(p => Presence.TryParse(p, out var a) ? a : throw new InvalidOperationException("no presence"));

    public static AgentOptions Options(string node = "me", NodeRole role = NodeRole.Peer) =>
        new() { NodeId = node, Subjects = Subjects, Role = role };

    public static Presence Here(string peer, NodeRole role = NodeRole.Peer, string? hub = null) =>
        new() { PeerId = peer, Role = role, Hub = hub, State = PresenceState.Alive };

    public static ArtifactId Id(int n) => ArtifactHash.Compute(HashKind.Sha3, [(byte)n, (byte)(n >> 8)]);

    public static Announcement From(string? peer, int n, string? hub = null, NodeRole? role = NodeRole.Peer) =>
        new() { PeerId = peer, Uuid = Id(n).ToString(), Rid = n, Hub = hub, Role = role };

    /// <summary>Does something at the present moment and takes the effects; news are answered at once.</summary>
    public AgentDriver Do(Action<AgentCore, Instant> action)
    {
        action(Core, Now);
        Settle();
        return this;
    }

    /// <summary>Lets time pass, deadline by deadline.</summary>
    public AgentDriver Pass(TimeSpan span)
    {
        var end = Now + span;
        for (var i = 0; Core.Deadline is { } deadline && deadline <= end; i++)
        {
            Assert.True(i < 10_000, $"no end of deadlines at {Now}");
            if (deadline > Now) Now = deadline;
            Core.OnDeadline(Now);
            Settle();
        }

        Now = end;
        return this;
    }

    public AgentDriver Pass(double seconds) => Pass(TimeSpan.FromSeconds(seconds));

    /// <summary>Ends the exchanges that were started and not ended yet.</summary>
    public AgentDriver Finish(SyncOutcome outcome, string? target = null)
    {
        foreach (var sync in Syncs.Where(s => target is null || s.Target.Id == target).ToList())
        {
            Core.OnSyncFinished(Now, sync.SyncId, outcome);
            Settle();
        }

        return this;
    }

    /// <summary>Something new lies in the repository.</summary>
    public AgentDriver Changed(ChangeOrigin origin, params int[] rids)
    {
        News = News with
        {
            MaxRid = new RecordId(rids.Max()),
            Artifacts = [.. rids.Select(r => new NewArtifact(new RecordId(r), Id(r)))],
        };
        return Do((core, now) => core.OnChanged(now, origin));
    }

    public AgentDriver Forget()
    {
        Effects.Clear();
        return this;
    }

    private IEnumerable<byte[]> Published(string subject) =>
        Effects.OfType<AgentEffect.Publish>().Where(p => p.Subject == subject).Select(p => p.Payload);

    private void Settle()
    {
        while (Core.TryTake(out var effect))
        {
            Effects.Add(effect);
            if (effect is AgentEffect.ListChanges list)
                Core.OnChangesRead(Now, News with { Artifacts = [.. News.Artifacts.Where(a => a.Rid > list.After)] });
        }
    }
}
