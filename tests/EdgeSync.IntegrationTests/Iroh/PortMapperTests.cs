using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Iroh.PortMapping;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.PortMapping;
using EdgeSync.Node.Iroh.Diagnostics;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Iroh.IrohPair;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>An endpoint has its port mapped by a router, which these tests play on loopback.</summary>
public sealed class PortMapperTests
{
    [Test]
    public async Task A_router_with_PCP_maps_the_port_and_gets_it_back()
    {
        using var router = new FakeRouter(request => [.. AnswerTo(request)]);
        var endpoint = Start(Options(1) with { PortMapping = router.Options });
        await MappedAsync(endpoint, router);

        Assert.Equal(("203.0.113.9:40001", "pcp"), (endpoint.Mapped!.External.ToString(), endpoint.Mapped.Protocol));
        Assert.Contains(endpoint.Address.Direct, a => a.ToString() == "203.0.113.9:40001");
        Assert.Equal(endpoint.Bound[0].Port, (router.Requests.First()[40] << 8) | router.Requests.First()[41]);
        await endpoint.DisposeAsync();
        await Patience.UntilAsync(
            () => router.Requests.Last().AsSpan(4, 4).SequenceEqual(new byte[4]), Limit, () => "not given back");
    }

    [Test]
    public async Task A_router_with_UPnP_alone_is_found_and_asked()
    {
        // "Unsupported version" to PCP, "not authorized" to NAT-PMP.
        using var router = new FakeRouter(request => request[0] == 2 ? [0, 0x81, 0, 1] : [0, 0x81, 0, 2]);
        using var device = new FakeDevice();
        var endpoint = Start(Options(1) with { PortMapping = router.Options with { Search = device.Search } });
        await MappedAsync(endpoint, router);

        var port = endpoint.Bound[0].Port;
        Assert.Equal(($"203.0.113.9:{port}", "upnp"), (endpoint.Mapped!.External.ToString(), endpoint.Mapped.Protocol));
        await endpoint.DisposeAsync();
        // The device grants no lease that ends; so the port is given back.
        Assert.Equal(
            ["AddPortMapping 7200", "AddPortMapping 0", "GetExternalIPAddress", "DeletePortMapping"], device.Calls);
    }

    [Test]
    public async Task A_mapping_and_its_refusal_are_events_with_their_reasons()
    {
        var events = new ConcurrentQueue<IrohEvent>();
        var isGranting = true;
        using var router = new FakeRouter(
            request => isGranting ? [.. AnswerTo(request)] : request[0] == 2 ? [0, 0x81, 0, 1] : [0, 0x81, 0, 2]);
        using var silent = new FakeRouter(_ => null);
        var mapping = router.Options with { Search = new IPEndPoint(IPAddress.Loopback, silent.Options.GatewayPort) };
        await using var endpoint = Start(Options(1) with { PortMapping = mapping, Observer = events.Enqueue });
        var mapped = await EventAsync(IrohEventKind.PortMapped);
        Assert.Equal(("203.0.113.9:40001", "pcp"), (mapped.Mapped!.External.ToString(), mapped.Mapped.Protocol));

        isGranting = false;
        endpoint.NetworkChanged();

        var refused = await EventAsync(IrohEventKind.PortNotMapped, e => e.Text is { Length: > 0 });
        Assert.Null(refused.Mapped);
        Assert.Contains("grants no port by PCP, NAT-PMP or UPnP", refused.Text!, StringComparison.Ordinal);

        async Task<IrohEvent> EventAsync(IrohEventKind kind, Func<IrohEvent, bool>? isWanted = null)
        {
            IrohEvent? found = null;
            await Patience.UntilAsync(
                () => (found = events.FirstOrDefault(e => e.Kind == kind && isWanted?.Invoke(e) != false)) is not null,
                Limit, () => string.Join(' ', events.Select(e => e.Kind)));
            return found!;
        }
    }

    [Test]
    public async Task Netcheck_names_the_protocol_and_the_address_of_the_router()
    {
        using var router = new FakeRouter(request => [.. AnswerTo(request)]);

        var line = await NetCheck.RunAsync(Checked(router.Options), Token);

        Assert.True(line.Ok);
        Assert.Equal(("pcp", "203.0.113.9:40001"), (line.PortMapping!.Protocol, line.PortMapping.External));
        Assert.InRange(line.PortMapping.LifetimeS!.Value, 1, 7200);
        Assert.Null(line.PortMapping.Refusal);
        await Patience.UntilAsync(
            () => router.Requests.Last().AsSpan(4, 4).SequenceEqual(new byte[4]), Limit, () => "not given back");
    }

    [Test]
    public async Task Netcheck_says_why_the_router_maps_no_port()
    {
        using var router = new FakeRouter(request => request[0] == 2 ? [0, 0x81, 0, 1] : [0, 0x81, 0, 2]);
        using var silent = new FakeRouter(_ => null);
        var search = new IPEndPoint(IPAddress.Loopback, silent.Options.GatewayPort);

        var line = await NetCheck.RunAsync(Checked(router.Options with { Search = search }), Token);

        // A network without a mapping is not a fault: the relay remains.
        Assert.True(line.Ok);
        Assert.Null(line.PortMapping!.External);
        Assert.Contains("grants no port", line.PortMapping.Refusal!, StringComparison.Ordinal);
    }

    private static IrohTestOptions Checked(PortMapperOptions router) => new() { MapsPort = true, Router = router };

    [Test]
    public async Task Without_the_setting_no_router_is_asked()
    {
        using var router = new FakeRouter(_ => null);
        await using (var endpoint = Start(Options(1))) Assert.Null(endpoint.Mapped);

        Assert.Empty(router.Requests);
    }

    private static Task MappedAsync(IrohEndpoint endpoint, FakeRouter router) => Patience.UntilAsync(
        () => endpoint.Mapped is not null, Limit, () => $"{router.Requests.Count} requests came");

    private static byte[] AnswerTo(byte[] request)
    {
        var answer = request.ToArray();
        answer[1] = 0x81;
        (answer[42], answer[43]) = (40001 >> 8, 40001 & 0xff);
        Convert.FromHexString("00000000000000000000ffffcb007109").CopyTo(answer.AsSpan(44));
        return answer;
    }

    /// <summary>Answers on the port of PCP and NAT-PMP.</summary>
    private sealed class FakeRouter : IDisposable
    {
        private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
        private readonly Func<byte[], byte[]?> _answer;

        public FakeRouter(Func<byte[], byte[]?> answer)
        {
            _answer = answer;
            _ = RunAsync();
        }

        public ConcurrentQueue<byte[]> Requests { get; } = [];

        public PortMapperOptions Options => new()
        {
            Gateway = IPAddress.Loopback,
            GatewayPort = ((IPEndPoint)_socket.Client.LocalEndPoint!).Port,
        };

        public void Dispose() => _socket.Dispose();

        private async Task RunAsync()
        {
            try
            {
                while (true)
                {
                    var got = await _socket.ReceiveAsync(Token);
                    Requests.Enqueue(got.Buffer);
                    if (_answer(got.Buffer) is { } answer)
                        await _socket.SendAsync(answer, got.RemoteEndPoint, Token);
                }
            }
            catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException or SocketException)
            {
                // The test is over.
            }
        }
    }

    /// <summary>An internet gateway device that grants leases without an end alone.</summary>
    private sealed class FakeDevice : IDisposable
    {
        private const string Service = "urn:schemas-upnp-org:service:WANIPConnection:1";

        private readonly UdpClient _search = new(new IPEndPoint(IPAddress.Loopback, 0));
        private readonly HttpListener _http = new();
        private readonly string _url = $"http://127.0.0.1:{Ports.Free()}/";

        public FakeDevice()
        {
            _http.Prefixes.Add(_url);
            _http.Start();
            _ = AnswerSearchesAsync();
            _ = ServeAsync();
        }

        public IPEndPoint Search => (IPEndPoint)_search.Client.LocalEndPoint!;

        public ConcurrentQueue<string> Calls { get; } = [];

        public void Dispose()
        {
            _search.Dispose();
            _http.Close();
        }

        private async Task AnswerSearchesAsync()
        {
            try
            {
                var got = await _search.ReceiveAsync(Token);
                if (!got.Buffer.AsSpan().StartsWith("M-SEARCH * HTTP/1.1\r\n"u8)) return;
                await _search.SendAsync(
                    Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nLOCATION: {_url}desc.xml\r\n\r\n"), got.RemoteEndPoint,
                    Token);
            }
            catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
            {
                // The test is over.
            }
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true) await AnswerAsync(await _http.GetContextAsync());
            }
            catch (Exception e) when (e is ObjectDisposedException or HttpListenerException)
            {
                // The test is over.
            }
        }

        private async Task AnswerAsync(HttpListenerContext context)
        {
            using var reader = new StreamReader(context.Request.InputStream);
            var body = await reader.ReadToEndAsync();
            var action = context.Request.Headers["SOAPAction"]?.Trim('"').Split('#')[1];
            var isEndless = body.Contains("<NewLeaseDuration>0<", StringComparison.Ordinal);
            if (action is not null)
                Calls.Enqueue(action == Upnp.MapAction ? $"{action} {(isEndless ? "0" : "7200")}" : action);
            var isRefused = action == Upnp.MapAction && !isEndless;
            context.Response.StatusCode = isRefused ? 500 : 200;
            var answer = (action, isRefused) switch
            {
                (null, _) => $"<root><serviceType>{Service}</serviceType><controlURL>/c</controlURL></root>",
                (_, true) => "<e><errorCode>725</errorCode></e>",
                (Upnp.AddressAction, _) => "<e><NewExternalIPAddress>203.0.113.9</NewExternalIPAddress></e>",
                _ => "<e/>",
            };
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer));
            context.Response.Close();
        }
    }
}
