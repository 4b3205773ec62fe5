using EdgeSync.Fossil.Sync.Client;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>
/// The size of a request at which no further artifact starts. It grows while the server accepts it, so that a whole
/// history goes in a few rounds, and shrinks when a request was too large for it.
/// </summary>
internal sealed class RequestBudget(ClientOptions options)
{
    private const int ShrunkBytesMin = 16 << 10;
    private const int Factor = 4;

    private long _bytes = options.RequestBytesFirst;

    public long Next() => options.Faults.At(FaultSite.ClientBudgetMin) ? 1 : _bytes;

    public void Grow() => _bytes = Math.Min(_bytes * Factor, options.RequestBytesMax);

    public void Shrink() => _bytes = Math.Max(ShrunkBytesMin, _bytes / Factor);
}
