using EdgeSync.Agent;
using EdgeSync.Node.Loops;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Writes of an agent's state, collected for a moment so that a busy node does not flush the disk for every commit that
/// it announces. Of several writes to one row the last counts; a crash loses at most that moment, which is then
/// announced again.
/// </summary>
internal sealed class PendingWrites(
    IAgentRepository repository, RunningTasks tasks, TimeProvider clock, CancellationToken stop)
{
    private static readonly TimeSpan Gather = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly OrderedDictionary<string, AgentEffect> _writes = [];

    public void Add(AgentEffect write)
    {
        lock (_gate)
        {
            _writes[KeyOf(write)] = write;
            if (_writes.Count > 1) return;
        }

        tasks.Start(FlushLaterAsync);
    }

    public async Task FlushAsync()
    {
        AgentEffect[] writes;
        lock (_gate)
        {
            writes = [.. _writes.Values];
            _writes.Clear();
        }

        if (writes.Length > 0) await repository.PersistAsync(writes);
    }

    private static string KeyOf(AgentEffect write) => write switch
    {
        AgentEffect.PersistWatermark => "watermark",
        AgentEffect.PersistSequence => "sequence",
        AgentEffect.PersistPeer persist => "peer " + persist.Peer.PeerId,
        AgentEffect.ForgetPeer forget => "peer " + forget.PeerId,
        _ => throw new InvariantException($"{write} is not a stored write"),
    };

    private async Task FlushLaterAsync()
    {
        await Task.Delay(Gather, clock, stop);
        await FlushAsync();
    }
}
