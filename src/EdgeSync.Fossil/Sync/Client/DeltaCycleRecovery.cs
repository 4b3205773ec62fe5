using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// Stock sends what a file replaced as its delta, by date: contents that came back, or changed their permission alone,
/// are deltas of each other or of themselves, and nothing can be made of them. Asked as by a clone of version 1 it
/// sends the deltas of its repository, which know no circles; what came in the other way is given up, so that the two
/// do not mix.
/// </summary>
internal sealed class DeltaCycleRecovery
{
    private bool _isLeaving;
    private bool _isRefused;

    /// <summary>This request asks as a clone does.</summary>
    public bool IsRequested { get; private set; }

    /// <summary>A circle came. True once: what came so far is to be given up.</summary>
    public bool SwitchToCloneMode()
    {
        var isFirst = !_isLeaving;
        _isLeaving = true;
        return isFirst;
    }

    // Spec: a clone card without a gimme card would be answered with the whole catalogue.
    public void Write(XferWriter writer, bool hasGimmes)
    {
        IsRequested = _isLeaving && !_isRefused && hasGimmes;
        if (IsRequested) writer.Clone(1, 0);
    }

    /// <summary>The server lets nobody clone.</summary>
    public void OnRefused()
    {
        _isRefused = true;
        IsRequested = false;
    }
}
