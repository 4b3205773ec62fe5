using System.Net;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Net.Http;

/// <summary>Addresses to listen on, and limits for clients.</summary>
public sealed record WebServerOptions
{
    /// <summary>Where the server logs; null: nowhere.</summary>
    public ILoggerFactory? Loggers { get; init; }

    /// <summary>Without TLS. Port 0 picks a free one.</summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [];

    /// <summary>With TLS; needs a certificate.</summary>
    public IReadOnlyList<IPEndPoint> TlsListen { get; init; } = [];

    /// <summary>PEM, with its chain.</summary>
    public string? TlsCertificateFile { get; init; }

    /// <summary>PEM; null when the certificate's file holds it.</summary>
    public string? TlsKeyFile { get; init; }

    /// <summary>Larger bodies get 413, before any of it is read if the length is announced.</summary>
    public long RequestBytesMax { get; init; } = 256L << 20;

    /// <summary>
    /// The memory for the messages of all clients; shared by the servers of a process. A message larger than all of it
    /// gets 413, one without room now 503.
    /// </summary>
    public ByteBudget Memory { get; init; } = ByteBudget.OfProcess();

    /// <summary>Exchanges at the same time; as many again wait, the rest get 503.</summary>
    public int ConcurrentExchangesMax { get; init; } = 32;

    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>Of one address; of IPv6, of a network of 64 bits.</summary>
    public int ConnectionsPerAddressMax { get; init; } = 512;

    /// <summary>From the last byte of the request to the first of the reply.</summary>
    public TimeSpan ExchangeTimeout { get; init; } = TimeSpan.FromMinutes(10);

    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(15);

    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A body or a reader slower than this, after the grace, is closed.</summary>
    public double BytesPerSecondMin { get; init; } = 100;

    public TimeSpan SlownessGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The proxies whose address headers are trusted.</summary>
    public TrustedProxies Proxies { get; init; } = TrustedProxies.None;
}
