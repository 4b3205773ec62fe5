using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Discovery;

/// <summary>
/// Drives a <see cref="LanDiscovery"/> over multicast: the group of IPv4 on every interface that has one.
/// </summary>
public sealed class LanSocket : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly LanDiscovery _core;
    private readonly Action<LanEvent> _found;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Socket _socket;
    private readonly IPEndPoint _group;
    private readonly IPAddress[] _interfaces;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    private LanSocket(
        LanDiscovery core, Socket socket, IPEndPoint group, IPAddress[] interfaces,
        Action<LanEvent> found, TimeProvider clock)
    {
        (_core, _socket, _group, _interfaces, _found, _clock) = (core, socket, group, interfaces, found, clock);
        _timer = clock.CreateTimer(
            static lan => ((LanSocket)lan!).Call(static (core, now) => core.OnDeadline(now)), this,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _running = ReceiveAsync();
        Call(static (_, _) => { });
    }

    /// <param name="self">Our own id.</param>
    /// <param name="prng">For the times of questions and answers.</param>
    /// <param name="found">Called for each endpoint that comes, changes or falls silent; returns soon.</param>
    /// <param name="clock">Of timeouts.</param>
    /// <param name="interfaces">Addresses of the interfaces to use; null: all that can.</param>
    /// <param name="port">Another than that of mDNS, for tests.</param>
    /// <exception cref="EdgeSyncException">The port cannot be shared, or no interface takes part.</exception>
    public static LanSocket Start(
        EndpointId self, Prng prng, Action<LanEvent> found, TimeProvider clock,
        IReadOnlyList<IPAddress>? interfaces = null, int port = LanDiscovery.Port)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // Other programs of this machine listen there, too.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, true);
            var joined = (interfaces ?? InterfacesOfMachine()).Where(i => TryJoin(socket, i)).ToArray();
            if (joined.Length == 0)
                throw new EdgeSyncException(ErrorKind.Unavailable, "no network interface takes part in multicast");

            var core = new LanDiscovery(self, prng, Instant.FromDateTime(clock.GetUtcNow()));
            return new LanSocket(
                core, socket, new IPEndPoint(LanDiscovery.Group4, port), joined, found, clock);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw ListenFault.Of($"port {port} of mDNS", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>What others learn of us; null: nothing.</summary>
    public void Announce(EndpointInfo? info) => Call((core, _) => core.Announce(info));

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        await _timer.DisposeAsync();
        _socket.Dispose();
        _stopping.Dispose();
    }

    private static IEnumerable<IPAddress> InterfacesOfMachine() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(n => n.OperationalStatus == OperationalStatus.Up && n.SupportsMulticast
                && n.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(n => n.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily == AddressFamily.InterNetwork);

    private static bool TryJoin(Socket socket, IPAddress address)
    {
        try
        {
            socket.SetSocketOption(
                SocketOptionLevel.IP, SocketOptionName.AddMembership,
                new MulticastOption(LanDiscovery.Group4, address));
            return true;
        }
        catch (SocketException)
        {
            return false;   // the interface has no multicast, or is gone
        }
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[2 * LanDiscovery.MessageBytesMax];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var count = await _socket.ReceiveAsync(buffer, SocketFlags.None, _stopping.Token);
                Call((core, now) => core.Receive(now, buffer.AsSpan(0, count)));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // A datagram that does not fit is none of ours.
            }
        }
    }

    private void Call(Action<LanDiscovery, Instant> action)
    {
        List<LanEvent>? events = null;
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested) return;

            var now = Instant.FromDateTime(_clock.GetUtcNow());
            action(_core, now);
            while (_core.TryTakeMessage(out var message)) Send(message);
            while (_core.TryTakeEvent(out var found)) (events ??= []).Add(found);
            var due = _core.Deadline - now;
            _timer.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        foreach (var found in events ?? []) _found(found);
    }

    private void Send(byte[] message)
    {
        foreach (var address in _interfaces)
        {
            try
            {
                _socket.SetSocketOption(
                    SocketOptionLevel.IP, SocketOptionName.MulticastInterface, address.GetAddressBytes());
                _socket.SendTo(message, _group);
            }
            catch (SocketException)
            {
                // The interface is gone; the next message tries it again.
            }
        }
    }
}
