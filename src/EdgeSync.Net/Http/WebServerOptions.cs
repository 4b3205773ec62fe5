using System.Net;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Net.Http;

/// <summary>Where to listen, and what a stranger may cost us.</summary>
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
    /// What the messages of all clients may take at once; shared by the servers of a process. A message that needs more
    /// than all of it gets 413, one that finds no room now 503.
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

    /// <summary>A body or a reader slower than this, after the grace, is cut off.</summary>
    public double BytesPerSecondMin { get; init; } = 100;

    public TimeSpan SlownessGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whose word on where a request comes from is taken.</summary>
    public TrustedProxies Proxies { get; init; } = TrustedProxies.None;
}
