using EdgeSync.Agent;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>The signs of life of a bridge, which has no agent: a hub that tells nothing by itself.</summary>
internal sealed class FleetBeacon(AgentOptions options, Prng prng)
{
    private readonly Heartbeat _heartbeat = new(options, prng);
    private readonly Queue<AgentEffect.Publish> _effects = new();
    private bool _isUp;
    private bool _tells;

    public Instant? Deadline => _isUp ? _heartbeat.Deadline : null;

    public bool TryTake(out AgentEffect.Publish publish) => _effects.TryDequeue(out publish!);

    public void OnLinkUp(Instant now)
    {
        _isUp = true;
        Publish(_heartbeat.Join(now));
    }

    public void OnLinkDown() => _isUp = false;

    public void OnPresence(Instant now, Presence presence)
    {
        if (_isUp && presence.State == PresenceState.Join && presence.PeerId != options.NodeId) _heartbeat.Hurry(now, 1);
    }

    public void OnTells(Instant now, bool tells)
    {
        _tells = tells;
        if (_isUp) Publish(_heartbeat.Next(now));
    }

    public void OnDeadline(Instant now)
    {
        if (Deadline <= now) Publish(_heartbeat.Next(now));
    }

    public void Stop()
    {
        if (_isUp) Publish(PresenceState.Leave);
        _isUp = false;
    }

    private void Publish(PresenceState state)
    {
        var presence = new Presence
        {
            PeerId = options.NodeId,
            State = state,
            Role = options.Role,
            Version = options.Version,
            Platform = options.Platform,
            Capabilities = _tells ? [.. options.Capabilities, AgentOptions.TellsCapability] : options.Capabilities,
            Interval = options.HeartbeatInterval,
        };
        _effects.Enqueue(new AgentEffect.Publish(options.Subjects.Presence, presence.ToBytes()));
    }
}
