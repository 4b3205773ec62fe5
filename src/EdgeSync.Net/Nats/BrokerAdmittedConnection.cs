using System.Net.Sockets;
using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// A socket of one of the broker's ports, from accept on. Until the handshake is over, and while it has no
/// subscriptions and no output, it may be closed when its address needs the place.
/// </summary>
internal sealed class BrokerAdmittedConnection(BrokerDriver driver, Socket socket) : IAdmittedConnection
{
    private readonly Instant _since = driver.Now;
    private BrokerPump? _pump;

    public bool IsIdle =>
        Volatile.Read(ref _pump) is not { } pump || pump.Connection is { Kind: ConnectionKind.Client, IsInUse: false };

    public bool CanEvict => true;

    public Instant LastActivity => Volatile.Read(ref _pump)?.Connection.LastActivity ?? _since;

    /// <summary>The handshake is over.</summary>
    public void OnServed(BrokerPump pump) => Volatile.Write(ref _pump, pump);

    // Later and elsewhere: the caller holds a lock.
    public void Evict()
    {
        if (Volatile.Read(ref _pump) is { } pump)
            ThreadPool.QueueUserWorkItem(_ => driver.Call((core, now) => core.Evict(pump.Connection, now)));
        else ThreadPool.QueueUserWorkItem(_ => socket.Dispose());
    }
}
