using System.IO.Pipelines;
using EdgeSync.Nats.Client;

namespace EdgeSync.Net.Nats;

/// <summary>How a <see cref="NatsConnection"/> is made: what its core decides by, and what its sockets need.</summary>
public sealed record NatsOpts : NatsClientOptions
{
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long <see cref="NatsConnection.DrainAsync"/> waits for readers to finish.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Messages that one subscription holds for its reader; when full the newest is dropped and told of.</summary>
    public int SubPendingMessagesMax { get; init; } = 16_384;

    /// <summary>Bytes that one subscription holds for its reader.</summary>
    public long SubPendingBytesMax { get; init; } = 64 << 20;

    public NatsTlsOpts Tls { get; init; } = NatsTlsOpts.Default;

    /// <summary>Opens a pipe to a broker in the same process, instead of dialing <see cref="NatsClientOptions.Url"/>.</summary>
    public Func<CancellationToken, ValueTask<IDuplexPipe>>? ConnectInProcess { get; init; }

    /// <summary>Hears what happens to the connection, one call after the other. Must not block.</summary>
    public Action<NatsConnectionNews>? OnNews { get; init; }
}
