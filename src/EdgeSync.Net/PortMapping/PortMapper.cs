using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EdgeSync.Iroh.PortMapping;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Net.PortMapping;

/// <summary>
/// Has the router map a UDP port of this machine, as long as it runs: by PCP, else NAT-PMP, else UPnP. Best effort: a
/// router that grants nothing is asked again in another network, and every half an hour.
/// </summary>
/// <param name="port">Of an IPv4 socket of this machine.</param>
/// <param name="changed">
/// Gets the mapping, again when it changes; null when it is lost, or cannot be had, with the reason.
/// </param>
public sealed class PortMapper(
    int port, PortMapperOptions options, Prng prng, TimeProvider clock, Action<MappedPort?, string> changed)
{
    private const int DatagramMax = 1100;

    private static readonly TimeSpan RetryTime = TimeSpan.FromMinutes(30);

    /// <summary>For giving the port back at the end.</summary>
    private static readonly TimeSpan ReleaseTime = TimeSpan.FromSeconds(1);

    private readonly Alarm _alarm = new(clock);
    private readonly QuicClock _time = new(clock);
    private MappedPort? _mapped;
    private string? _refusal;

    /// <summary>What is mapped belongs to another network.</summary>
    public void OnNetworkChange() => _alarm.Ring();

    /// <summary>Asks, renews, and at the end gives the port back.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var again = false;
            var refusal = "this machine has no default gateway of IPv4";
            try
            {
                if ((options.Gateway ?? DefaultGateway()) is { } gateway)
                {
                    refusal = $"the router {gateway} grants no port by PCP, NAT-PMP or UPnP";
                    again = await ByGatewayAsync(gateway, cancellationToken)
                        || await ByUpnpAsync(gateway, cancellationToken);
                }
            }
            catch (Exception e) when (e is SocketException or HttpRequestException or NetworkInformationException
                or UriFormatException)
            {
                refusal = $"the router cannot be asked: {e.Message}";
            }
            catch (OperationCanceledException)
            {
                // The end, or an HTTP call that took too long.
            }

            if (!cancellationToken.IsCancellationRequested) Set(null, again ? "" : refusal);
            if (!again && !cancellationToken.IsCancellationRequested) await WaitAsync(RetryTime, cancellationToken);
        }
    }

    /// <summary>The router of IPv4; null: none.</summary>
    internal static IPAddress? DefaultGateway() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(n => n.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
        .SelectMany(n => n.GetIPProperties().GatewayAddresses)
        .Select(g => g.Address)
        .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !a.Equals(IPAddress.Any));

    /// <summary>False when the router grants nothing; true when it may, now.</summary>
    private async Task<bool> ByGatewayAsync(IPAddress gateway, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        // A connected socket takes datagrams of the router alone, and knows which address leads there.
        await socket.ConnectAsync(new IPEndPoint(gateway, options.GatewayPort), cancellationToken);
        var client = UdpAddress.From(((IPEndPoint)socket.LocalEndPoint!).Address, port);
        var core = new GatewayMapper(client, prng, _time.Now);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var moving = CancelWhenMovedAsync(ending);
        var wasMapped = false;
        var answer = new byte[DatagramMax];
        try
        {
            while (!core.IsRefused && !ending.IsCancellationRequested)
            {
                while (core.TryTakeRequest(out var request)) await SendAsync(socket, request);
                if (core.Mapped is { } mapped)
                {
                    wasMapped = true;
                    Set(mapped);
                }

                if (await ReceiveAsync(socket, answer, core, ending.Token) is var count and > 0)
                    core.Receive(_time.Now, answer.AsSpan(0, count));
                core.OnDeadline(_time.Now);
            }

            return wasMapped || ending.IsCancellationRequested;
        }
        finally
        {
            if (core.Release() is { } release) await SendAsync(socket, release);
            await ending.CancelAsync();
            await moving;
        }
    }

    private async Task CancelWhenMovedAsync(CancellationTokenSource ending)
    {
        try
        {
            await _alarm.WaitAsync(Timeout.InfiniteTimeSpan, ending.Token);
            await ending.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // It ended otherwise.
        }
    }

    /// <summary>Waits for an answer, or the core's deadline.</summary>
    private async Task<int> ReceiveAsync(
        Socket socket, byte[] answer, GatewayMapper core, CancellationToken cancellationToken)
    {
        var wait = core.Deadline is { } deadline ? deadline - _time.Now : Timeout.InfiniteTimeSpan;
        if (wait < TimeSpan.Zero && wait != Timeout.InfiniteTimeSpan) return 0;
        using var patience = new CancellationTokenSource(wait, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        while (true)
        {
            try
            {
                return await socket.ReceiveAsync(answer, either.Token);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                // Nobody listens there: each try says so once.
            }
            catch (OperationCanceledException)
            {
                return 0;
            }
        }
    }

    private static async Task SendAsync(Socket socket, byte[] request)
    {
        try
        {
            await socket.SendAsync(request);
        }
        catch (SocketException)
        {
            // As if it was lost.
        }
    }

    /// <inheritdoc cref="ByGatewayAsync"/>
    private async Task<bool> ByUpnpAsync(IPAddress gateway, CancellationToken cancellationToken)
    {
        using var upnp = new UpnpGateway(options.Search, gateway, port, clock);
        if (!await upnp.FindAsync(cancellationToken)) return false;
        try
        {
            while (await upnp.MapAsync(prng, cancellationToken) is { } mapped)
            {
                Set(mapped);
                if (await WaitAsync(mapped.Lifetime / 2, cancellationToken)) return true;
            }

            return false;
        }
        finally
        {
            using var patience = new CancellationTokenSource(ReleaseTime, clock);
            await upnp.UnmapAsync(patience.Token);
        }
    }

    /// <summary>True when it ended before: the network has changed, or all ends.</summary>
    private async Task<bool> WaitAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        var begin = _time.Now;
        try
        {
            await _alarm.WaitAsync(time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return true;
        }

        return _time.Now - begin < time;
    }

    private void Set(MappedPort? mapped, string refusal = "")
    {
        if (mapped == _mapped && (mapped is not null || refusal == _refusal)) return;
        (_mapped, _refusal) = (mapped, refusal);
        changed(mapped, refusal);
    }
}
