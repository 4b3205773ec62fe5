using System.Net;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Connections;

namespace EdgeSync.Net.Http;

/// <summary>
/// One connection of an HTTP port. It is kept only while a complete request is being handled: while it waits for a
/// request, for the rest of a body, or for a slow reader, it may be closed when others need the room.
/// </summary>
internal sealed class HttpAdmittedConnection(ConnectionContext connection, TimeProvider clock) : IAdmittedConnection
{
    private long _lastActivityTicks = Instant.FromDateTime(clock.GetUtcNow()).UnixTicks;
    private int _working;

    public bool IsIdle => Volatile.Read(ref _working) == 0;

    public bool CanEvict => IsIdle;

    public Instant LastActivity => new(Interlocked.Read(ref _lastActivityTicks));

    public void Evict() =>
        connection.Abort(new ConnectionAbortedException("closed at the connection limit"));

    /// <summary>A request began.</summary>
    public void Touch() =>
        Interlocked.Exchange(ref _lastActivityTicks, Instant.FromDateTime(clock.GetUtcNow()).UnixTicks);

    public void BeginWork() => Interlocked.Increment(ref _working);

    public void EndWork()
    {
        Interlocked.Decrement(ref _working);
        Touch();
    }

    /// <summary>Serves the connection as a member of the limit, or closes it when there is no room.</summary>
    public static async Task ServeAsync(
        ConnectionAdmission admission, ConnectionContext connection, TimeProvider clock, ConnectionDelegate next)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        var member = new HttpAdmittedConnection(connection, clock);
        if (!admission.TryAdmit(address, member))
        {
            connection.Abort();
            return;
        }

        try
        {
            connection.Features.Set(member);
            await next(connection);
        }
        finally
        {
            admission.Release(address, member);
        }
    }
}
