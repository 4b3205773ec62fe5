using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats.Leafnodes;

/// <summary>
/// A remote of a running broker, connected and reconnected until this is disposed or the broker stops.
/// </summary>
public sealed class LeafnodeHandle : IAsyncDisposable
{
    private readonly LeafnodeDialer _dialer;
    private readonly Action<LeafnodeHandle> _left;
    private readonly Task _running;
    private int _isDisposed;

    internal LeafnodeHandle(LeafnodeDialer dialer, Action<LeafnodeHandle> left)
    {
        _dialer = dialer;
        _left = left;
        _running = dialer.RunAsync();
    }

    /// <summary>The present state.</summary>
    public LeafRemoteStatus Status => _dialer.Status;

    /// <summary>The link is up: interest and messages flow.</summary>
    public bool IsConnected => Status.IsConnected;

    /// <summary>Ends a pause: the network has changed, so that an attempt may succeed.</summary>
    public void DialNow()
    {
        if (_isDisposed == 0) _dialer.DialNow();
    }

    /// <summary>Removes the remote; its link is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _dialer.Stop();
            _left(this);
        }

        await _running;
    }
}
