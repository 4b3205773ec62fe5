using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Net.Http;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using static EdgeSync.Node.Doctor.DoctorVerdict;

namespace EdgeSync.Node.Doctor;

/// <summary>Checks ports and remote addresses.</summary>
internal static class NetworkDoctor
{
    private const int InfoBytesMax = 64 * 1024;
    private const int NameLengthMax = 24;

    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SkewTold = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SkewMax = TimeSpan.FromHours(1);

    /// <summary>A port that a daemon here would open: free, or already open by a daemon of ours.</summary>
    public static async Task<NodeCheck> OwnPortAsync(
        string what, IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        var name = $"port:{what}";
        if (endpoint.Port == 0) return Ok(name, "picked when the daemon starts");

        try
        {
            using var listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(endpoint);
            return Ok(name, $"{endpoint} is free");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            var answers = what == "http"
                ? await IsOurHttpAsync(endpoint, cancellationToken)
                : (await InfoAsync(endpoint.ToReachable(), cancellationToken)).Info is not null;
            return answers
                ? Ok(name, $"{endpoint} is in use, and answers")
                : Fail(
                    name, $"another program listens on {endpoint}",
                    $"ss -ltnp 'sport = :{endpoint.Port}', or choose another port");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            return Fail(
                name, $"this user may not open {endpoint}",
                "a port above 1023, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit");
        }
        catch (SocketException e)
        {
            return Fail(name, $"{endpoint}: {e.Message}", "an address of this machine, such as 127.0.0.1");
        }
    }

    /// <summary>The hint for an address without a reply.</summary>
    public const string UnreachableHint = "is the server up, the address right, a firewall between?";

    /// <summary>A NATS server to join: does it reply, and is it the intended port?</summary>
    public static async Task<NodeCheck> NatsAsync(NatsAddress address, CancellationToken cancellationToken)
    {
        var name = $"nats:{address}";
        if (address.Url.Scheme is "ws" or "wss" or "ws-leaf" or "wss-leaf")
            return await WebSocketPortAsync(name, address, cancellationToken);

        var begin = TimeProvider.System.GetTimestamp();
        var (info, fault) = await InfoAsync(new DnsEndPoint(address.Url.Host, address.Url.Port), cancellationToken);
        if (info is null) return Fail(name, fault ?? "no answer", UnreachableHint);

        // Spec: only a leafnode port sends leafnode_urls in its first INFO (2.9 to 2.12).
        var isLeafPort = info.LeafnodeUrls is not null;
        var milliseconds = TimeProvider.System.GetElapsedTime(begin).TotalMilliseconds
            .ToString("F0", CultureInfo.InvariantCulture);
        var label = info.ServerName.Length > 0 ? info.ServerName : info.ServerId;
        var who = $"{label[..Math.Min(NameLengthMax, label.Length)]} {info.Version}, {milliseconds} ms";
        if (address.Kind == NatsLinkKind.Leafnode && !isLeafPort)
            return Fail(
                name, $"{who}: this is a client port, not a leafnode port",
                "the leafnode port of servers is 7422: nats-leaf://HOST:7422; or be a client: nats://HOST:4222");
        if (address.Kind == NatsLinkKind.Client && isLeafPort)
            return Fail(
                name, $"{who}: this is a leafnode port, not a client port",
                $"nats-leaf://{address.Url.Authority}");

        var extras = new List<string> { who, $"messages up to {DisplayText.Bytes(info.MaxPayload)}" };
        // nats-server sets it on every leafnode port, with or without users.
        if (info.AuthRequired && !isLeafPort) extras.Add("requires a login");
        if (info.TlsRequired) extras.Add("requires TLS");
        if (info.JetStreamAvailable) extras.Add("JetStream");
        return info.LameDuckMode ? Warn(name, $"{who}: it is in lame duck mode") : Ok(name, string.Join(", ", extras));
    }

    /// <summary>A Fossil server: does it reply, and is its clock right?</summary>
    public static async Task<IReadOnlyList<NodeCheck>> PeerAsync(
        string address, TimeProvider clock, CancellationToken cancellationToken)
    {
        var shown = Secrets.RedactUrls(address);
        var name = $"peer:{shown}";
        if (!PeerUrl.TryParse(address, out var peer))
            return [Fail(name, "is not the address of a Fossil server", "http://… or https://…")];

        try
        {
            using var http = HttpConnections.Client(
                new SocketsHttpHandler
                {
                    AllowAutoRedirect = false,
                    ConnectTimeout = AnswerTimeMax
                },
                AnswerTimeMax * 2);
            var asked = clock.GetUtcNow();
            using var response = await http.GetAsync(
                peer.Address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var answered = clock.GetUtcNow();
            var status = (int)response.StatusCode;
            var check = status is >= 500 or 404
                ? Fail(name, $"answers with status {status}", "is this the address of a repository?")
                : Ok(name, $"answers with status {status}");
            return response.Headers.Date is { } theirs ? [check, Skew(shown, theirs, asked, answered)] : [check];
        }
        catch (Exception e) when (
            e is HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return [
                Fail(
                    name,
                    e is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse }
                        ? "it does not speak HTTP" : e is HttpRequestException ? e.Message : "no answer",
                        UnreachableHint)];
        }
    }

    private static NodeCheck Skew(string peer, DateTimeOffset theirs, DateTimeOffset asked, DateTimeOffset answered)
    {
        // A Date has whole seconds, so up to one is within its precision.
        var skew = theirs - (asked + ((answered - asked) / 2));
        var name = $"clock:{peer}";
        if (skew.Duration() <= SkewTold) return Ok(name, "agrees with ours");

        var text = $"it is {DisplayText.Span(skew.Duration())} {(skew < TimeSpan.Zero ? "behind" : "ahead of")} ours";
        return skew.Duration() > SkewMax
            ? Fail(name, text, "set the wrong one of the two: dates of check-ins come from it")
            : Warn(name, text, "an NTP service on both machines");
    }

    private static async Task<NodeCheck> WebSocketPortAsync(
        string name, NatsAddress address, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await DialAsync(new DnsEndPoint(address.Url.Host, address.Url.Port), cancellationToken);
            return Ok(name, "accepts connections (WebSocket itself is not tested)");
        }
        catch (Exception e) when (e is SocketException or TimeoutException)
        {
            return Fail(name, e.Message, UnreachableHint);
        }
    }

    private static async Task<bool> IsOurHttpAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        foreach (var scheme in (string[])["http", "https"])
        {
            try
            {
                using var handler = new SocketsHttpHandler { ConnectTimeout = AnswerTimeMax };
#pragma warning disable CA5359 // Only tests whether a server replies; nothing is sent or trusted.
                handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
                using var http = HttpConnections.Client(handler, AnswerTimeMax);
                http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
                var text = await http.GetStringAsync($"{scheme}://{endpoint.ToReachable()}/healthz", cancellationToken);
                if (text.Contains("\"status\"", StringComparison.Ordinal)) return true;
            }
            catch (Exception e) when (
                e is HttpRequestException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // Not this way.
            }
        }

        return false;
    }

    private static async Task<(ServerInfo? Info, string? Fault)> InfoAsync(
        EndPoint endpoint, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await DialAsync(endpoint, cancellationToken);
            using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limited.CancelAfter(AnswerTimeMax);
            var line = new ArrayBufferWriter<byte>(4096);
            while (line.WrittenSpan.IndexOf((byte)'\n') < 0 && line.WrittenCount < InfoBytesMax)
            {
                var read = await socket.ReceiveAsync(line.GetMemory(4096), limited.Token);
                if (read == 0) return (null, "the connection was closed without a word");
                line.Advance(read);
            }

            var text = line.WrittenSpan;
            var end = text.IndexOf((byte)'\n');
            return end > 5 && text.StartsWith("INFO "u8) && ServerInfo.TryParse(text[5..end], out var info)
                ? (info, null)
                : (
                    null,
                    $"it is not a NATS server: "
                        + $"\"{DisplayText.OneLine(Encoding.ASCII.GetString(text[..Math.Min(40, text.Length)]))}\"");
        }
        catch (SocketException e)
        {
            return (null, e.Message);
        }
        catch (Exception e) when (
            e is TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return (null, $"no answer within {AnswerTimeMax.TotalSeconds:F0} s");
        }
    }

    private static async Task<Socket> DialAsync(EndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limited.CancelAfter(AnswerTimeMax);
            await socket.ConnectAsync(endpoint, limited.Token);
            return socket;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new TimeoutException($"no connection within {AnswerTimeMax.TotalSeconds:F0} s", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static IPEndPoint ToReachable(this IPEndPoint endpoint) =>
        endpoint.Address.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.Loopback, endpoint.Port)
        : endpoint.Address.Equals(IPAddress.IPv6Any) ? new IPEndPoint(IPAddress.IPv6Loopback, endpoint.Port)
        : endpoint;
}
