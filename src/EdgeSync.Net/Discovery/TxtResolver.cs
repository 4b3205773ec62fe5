using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Dns;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Discovery;

/// <summary>
/// Looks up by DNS what an endpoint publishes: UDP to each name server in turn, begun a little after one another; TCP
/// where an answer did not fit.
/// </summary>
public sealed class TxtResolver(IReadOnlyList<IPEndPoint> servers, Entropy entropy, TimeProvider clock)
{
    private const int DnsPort = 53;
    private const int DatagramBytesMax = 4096;

    /// <summary>Begins of the attempts.</summary>
    private static readonly TimeSpan[] Begins =
        [TimeSpan.Zero, TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(500)];

    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(3);

    /// <summary>The name servers of this machine.</summary>
    public static IReadOnlyList<IPEndPoint> ServersOfMachine() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(n => n.OperationalStatus == OperationalStatus.Up)
            .SelectMany(n => n.GetIPProperties().DnsAddresses)
            .Distinct()
            .Select(a => new IPEndPoint(a, DnsPort)),
    ];

    /// <summary>What the endpoint publishes in the zone; null when there is nothing.</summary>
    /// <exception cref="EdgeSyncException">No name server answers.</exception>
    public async Task<EndpointInfo?> ResolveAsync(
        EndpointId id, string origin, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var attempts = Begins.Select((begin, i) => AttemptAsync(id, origin, begin, i, ending.Token)).ToList();
        try
        {
            while (attempts.Count > 0)
            {
                var done = await Task.WhenAny(attempts);
                attempts.Remove(done);
                var (isAnswered, info) = await done;
                if (isAnswered) return info;
            }
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(attempts);
        }

        cancellationToken.ThrowIfCancellationRequested();
        throw new EdgeSyncException(ErrorKind.Unavailable, $"no name server answers for {origin}");
    }

    private async Task<(bool IsAnswered, EndpointInfo? Info)> AttemptAsync(
        EndpointId id, string origin, TimeSpan begin, int number, CancellationToken cancellationToken)
    {
        if (servers.Count == 0) return default;

        var server = servers[number % servers.Count];
        using var patience = new CancellationTokenSource(begin + AttemptTimeout, clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await Task.Delay(begin, clock, ending.Token);
            var query = new TxtQuery(id, origin, NewNumber());
            var answer = await AskByDatagramAsync(server, query, ending.Token);
            if (answer.Kind == TxtAnswer.Truncated) answer = await AskByStreamAsync(server, query, ending.Token);
            return (answer.Kind is TxtAnswer.Found or TxtAnswer.None, answer.Info);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            return default;   // another attempt may do better
        }
    }

    private static async Task<(TxtAnswer Kind, EndpointInfo? Info)> AskByDatagramAsync(
        IPEndPoint server, TxtQuery query, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellationToken);   // answers of others are not received
        await socket.SendAsync(query.Bytes, SocketFlags.None, cancellationToken);
        var buffer = new byte[DatagramBytesMax];
        while (true)
        {
            var count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            var kind = query.Read(buffer.AsSpan(0, count), out var info);
            if (kind != TxtAnswer.Foreign) return (kind, info);
        }
    }

    private static async Task<(TxtAnswer Kind, EndpointInfo? Info)> AskByStreamAsync(
        IPEndPoint server, TxtQuery query, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellationToken);
        using var stream = new NetworkStream(socket);
        await DnsStream.WriteAsync(stream, query.Bytes, cancellationToken);
        var answer = await DnsStream.ReadAsync(stream, cancellationToken);
        return (query.Read(answer.Span, out var info), info);
    }

    private ushort NewNumber()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        entropy.Fill(bytes);
        return BitConverter.ToUInt16(bytes);
    }
}
