namespace EdgeSync.Nats.Exchange;

/// <summary>
/// How many parts are under way at once: what the link carries in a moment or two. Too few leave a satellite idle for
/// most of its round trip; too many queue before a slow link, where a break loses them all and everything else waits.
/// So each part that comes back quickly adds one, and each that took long removes one.
/// </summary>
internal sealed class PartWindow(int first, int max)
{
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(2.5);

    /// <summary>One on its way while the next is requested.</summary>
    private const int Min = 2;

    public int Size { get; private set; } = Math.Clamp(first, Min, max);

    public void OnArrived(TimeSpan after)
    {
        if (after <= Quick) Size = Math.Min(Size + 1, max);
        else if (after >= Slow) Size = Math.Max(Size - 1, Min);
    }

    public void OnLost() => Size = Math.Max(Size / 2, Min);
}
