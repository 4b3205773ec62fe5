using System.Text;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats;

/// <summary>A tunnel through an HTTP proxy: what the site's only way out is.</summary>
internal static class HttpProxy
{
    private const int AnswerBytesMax = 16 * 1024;

    /// <summary>
    /// The proxy that the environment names for an address inside WebSocket, as web clients take it: <c>https_proxy</c>,
    /// <c>http_proxy</c>, <c>all_proxy</c>, and <c>no_proxy</c> for those that need none. Null: dial directly.
    /// </summary>
    public static Uri? FromEnvironment(Uri url)
    {
        if (!LeafUrl.IsWebSocket(url)) return null;

        // The framework reads the variables, and their exceptions, once for the process.
        var http = new UriBuilder(url) { Scheme = url.Scheme == "wss" ? "https" : "http", Port = LeafUrl.PortOf(url) }.Uri;
        var proxy = System.Net.Http.HttpClient.DefaultProxy;
        return proxy.IsBypassed(http) || proxy.GetProxy(http) is not { } found || found == http ? null : WithLogin(found, proxy, http);
    }

    // Spec: RFC 9110 §9.3.6.
    public static async Task OpenTunnelAsync(Stream stream, Uri proxy, string host, int port, CancellationToken cancellationToken)
    {
        var target = $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host.Trim('[', ']')}]" : host)}:{port}";
        var login = proxy.UserInfo.Length > 0
            ? $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(proxy.UserInfo)))}\r\n"
            : "";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n"), cancellationToken);
        var answer = await ReadAnswerAsync(stream, proxy, cancellationToken);
        var words = answer.Split(' ', 3);
        if (words.Length < 2 || !words[1].StartsWith('2')) throw new IOException($"the proxy {proxy.Host}:{proxy.Port} refuses: {answer}");
    }

    private static Uri WithLogin(Uri found, System.Net.IWebProxy proxy, Uri target)
    {
        if (found.UserInfo.Length > 0 || proxy.Credentials?.GetCredential(found, "Basic") is not { UserName.Length: > 0 } login) return found;

        return new UriBuilder(found) { UserName = Uri.EscapeDataString(login.UserName), Password = Uri.EscapeDataString(login.Password), Path = target.AbsolutePath }.Uri;
    }

    /// <summary>Byte by byte: what follows the empty line belongs to the tunnel. Gives the first line.</summary>
    private static async Task<string> ReadAnswerAsync(Stream stream, Uri proxy, CancellationToken cancellationToken)
    {
        var answer = new byte[AnswerBytesMax];
        var size = 0;
        while (!answer.AsSpan(0, size).EndsWith("\r\n\r\n"u8))
        {
            if (size == answer.Length) throw new IOException($"the answer of the proxy {proxy.Host}:{proxy.Port} is too long");
            if (await stream.ReadAsync(answer.AsMemory(size, 1), cancellationToken) == 0) throw new IOException($"the proxy {proxy.Host}:{proxy.Port} does not answer");

            size++;
        }

        return Encoding.Latin1.GetString(answer, 0, size).Split("\r\n")[0];
    }
}
