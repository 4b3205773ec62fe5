namespace EdgeSync.Quic.Connections;

/// <summary>
/// Bytes by which windows and send buffers may grow beyond where they begin, over all connections of an endpoint. Who
/// takes some gives them back when it ends.
/// </summary>
internal sealed class WindowBudget(long bytes)
{
    /// <summary>Bytes that are free.</summary>
    public long Free { get; private set; } = bytes;

    /// <summary>Takes all of it or nothing.</summary>
    public bool TryTake(long bytes)
    {
        if (bytes > Free) return false;
        Free -= bytes;
        return true;
    }

    public void Return(long bytes) => Free += bytes;
}
