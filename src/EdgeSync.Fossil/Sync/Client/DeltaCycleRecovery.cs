using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// Stock sends an artifact as a delta of its predecessor by date: contents that reappeared, or changed their permission
/// alone, become deltas of each other or of themselves, and cannot be expanded. To a clone card of version 1 it sends
/// the deltas of its repository, which has no cycles; arrivals of the other form are given up, so that the two do not
/// mix.
/// </summary>
internal sealed class DeltaCycleRecovery
{
    private bool _isLeaving;
    private bool _isRefused;

    /// <summary>This request contains a clone card.</summary>
    public bool IsRequested { get; private set; }

    /// <summary>A delta cycle arrived. True once: arrivals so far are to be given up.</summary>
    public bool SwitchToCloneMode()
    {
        var isFirst = !_isLeaving;
        _isLeaving = true;
        return isFirst;
    }

    // Spec: the reply to a clone card without a gimme card would be the whole catalogue.
    public void Write(XferWriter writer, bool hasGimmes)
    {
        IsRequested = _isLeaving && !_isRefused && hasGimmes;
        if (IsRequested) writer.Clone(1, 0);
    }

    /// <summary>The server does not grant cloning.</summary>
    public void OnRefused()
    {
        _isRefused = true;
        IsRequested = false;
    }
}
