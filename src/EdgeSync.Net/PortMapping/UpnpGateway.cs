using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Iroh.PortMapping;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Net.PortMapping;

/// <summary>
/// The router as a UPnP device: found by a search, called by HTTP. Only answers that the router itself sends, and
/// descriptions that it holds itself, are read.
/// </summary>
internal sealed class UpnpGateway(IPEndPoint search, IPAddress gateway, int port, TimeProvider clock) : IDisposable
{
    private const uint LeaseSeconds = 7200;
    private const int ConflictsMax = 4;
    private const int FirstPort = 20_000;
    private const int AnswerBytesMax = 2048;

    private static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HttpTime = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = NewClient();

    private string? _service;
    private Uri? _control;
    private IPAddress? _client;
    private ushort? _mapped;

    /// <summary>False when the router is not such a device.</summary>
    public async Task<bool> FindAsync(CancellationToken cancellationToken)
    {
        if (await SearchAsync(cancellationToken) is not { } location) return false;
        var description = await _http.GetStringAsync(location, cancellationToken);
        if (Upnp.ServiceOf(description, location) is not { } service) return false;
        (_service, _control) = service;
        return true;
    }

    /// <summary>Maps the port, or renews it; null when the router refuses.</summary>
    public async Task<MappedPort?> MapAsync(Prng prng, CancellationToken cancellationToken)
    {
        var (external, lease) = (_mapped ?? (ushort)port, LeaseSeconds);
        for (var conflicts = 0; conflicts < ConflictsMax;)
        {
            var (isDone, answer) = await CallAsync(
                Upnp.MapAction, Upnp.MapCall(_service!, external, _client!, (ushort)port, lease), cancellationToken);
            if (isDone)
            {
                _mapped = external;
                return await AddressAsync(cancellationToken) is { } address
                    ? new MappedPort(
                        UdpAddress.From(address, external), "upnp", TimeSpan.FromSeconds(LeaseSeconds))
                    : null;
            }

            switch (Upnp.ErrorOf(answer))
            {
                case Upnp.PermanentOnlyError when lease > 0:
                    lease = 0;
                    break;
                case Upnp.ConflictError:
                    conflicts++;
                    external = (ushort)prng.NextInt32(FirstPort, ushort.MaxValue);
                    break;
                default: return null;
            }
        }

        return null;
    }

    /// <summary>Gives the port back.</summary>
    public async Task UnmapAsync(CancellationToken cancellationToken)
    {
        if (_mapped is not { } external) return;
        try
        {
            await CallAsync(Upnp.UnmapAction, Upnp.UnmapCall(_service!, external), cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // Its lease ends.
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<IPAddress?> AddressAsync(CancellationToken cancellationToken)
    {
        var (isDone, answer) = await CallAsync(
            Upnp.AddressAction, Upnp.AddressCall(_service!), cancellationToken);
        return isDone ? Upnp.AddressOf(answer) : null;
    }

    private async Task<Uri?> SearchAsync(CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using (var route = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
        {
            await route.ConnectAsync(new IPEndPoint(gateway, search.Port), cancellationToken);
            _client = ((IPEndPoint)route.LocalEndPoint!).Address;
        }

        // From the address that leads to the router, to its network alone.
        socket.Bind(new IPEndPoint(_client, 0));
        await socket.SendToAsync(Upnp.Search(), search, cancellationToken);
        using var patience = new CancellationTokenSource(SearchTime, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        var answer = new byte[AnswerBytesMax];
        try
        {
            while (true)
            {
                var got = await socket.ReceiveFromAsync(answer, new IPEndPoint(IPAddress.Any, 0), either.Token);
                var from = ((IPEndPoint)got.RemoteEndPoint).Address;
                if (!from.Equals(gateway)) continue;
                if (Upnp.LocationOf(answer.AsSpan(0, got.ReceivedBytes), from) is { } location) return location;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<(bool IsDone, string Answer)> CallAsync(
        string action, string body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _control)
        {
            Content = new StringContent(body, Encoding.UTF8, "text/xml"),
        };
        request.Headers.TryAddWithoutValidation("SOAPAction", $"\"{_service}#{action}\"");
        using var response = await _http.SendAsync(request, cancellationToken);
        return (response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private static HttpClient NewClient()
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        };
        var http = HttpConnections.Client(handler, HttpTime);
        http.MaxResponseContentBufferSize = Upnp.DocumentBytesMax;
        return http;
    }
}
