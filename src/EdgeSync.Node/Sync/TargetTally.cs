using EdgeSync.Agent.Schedule;

namespace EdgeSync.Node.Sync;

/// <summary>Counters of the sessions with one target, since start.</summary>
internal sealed class TargetTally
{
    private readonly Lock _gate = new();
    private TargetCounts _counts;

    public TargetCounts Counts
    {
        get
        {
            lock (_gate) return _counts;
        }
    }

    public void Add(SyncTally tally, SyncOutcome outcome)
    {
        lock (_gate)
        {
            _counts = _counts with
            {
                ArtifactsSent = _counts.ArtifactsSent + outcome.Sent,
                ArtifactsReceived = _counts.ArtifactsReceived + outcome.Received,
                BytesSent = _counts.BytesSent + tally.WireBytesSent,
                BytesReceived = _counts.BytesReceived + tally.WireBytesReceived,
            };
        }

        Add(outcome);
    }

    public void Add(SyncOutcome outcome)
    {
        lock (_gate)
        {
            _counts = _counts with
            {
                Sessions = _counts.Sessions + 1,
                Failures = _counts.Failures + (outcome.IsOk ? 0 : 1),
                LastError = outcome.IsOk ? _counts.LastError : outcome.Reason,
            };
        }
    }
}

internal readonly record struct TargetCounts(
    long Sessions, long Failures, long ArtifactsSent, long ArtifactsReceived, long BytesSent, long BytesReceived,
    string? LastError);
