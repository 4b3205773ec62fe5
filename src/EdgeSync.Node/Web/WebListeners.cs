using System.Net;
using EdgeSync.Net.Http;
using EdgeSync.Node.Settings;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Web;

/// <summary>The web server's addresses and limits, from the settings.</summary>
internal static class WebListeners
{
    // Two addresses: the plain one is for this machine, the one with TLS for others. With one, a certificate makes it
    // TLS.
    public static WebServerOptions OptionsOf(HttpSection http, ILoggerFactory loggers)
    {
        IPEndPoint[] first = http.Address is { } listen ? [ListenAddress.Parse(listen)] : [];
        IPEndPoint[] second = http.TlsListen is { } secure ? [ListenAddress.Parse(secure)] : [];
        var isFirstPlain = http.TlsCert is null || second.Length > 0;
        return new WebServerOptions
        {
            Loggers = loggers,
            Listen = isFirstPlain ? first : [],
            TlsListen = isFirstPlain ? second : first,
            TlsCertificateFile = http.TlsCert,
            TlsKeyFile = http.TlsKey,
            RequestBytesMax = (long)http.MaxRequestMb << 20,
            ConcurrentExchangesMax = http.MaxExchanges,
            Memory = MemoryLimit.Messages,
            Proxies = http.ParseProxies(),
        };
    }
}
