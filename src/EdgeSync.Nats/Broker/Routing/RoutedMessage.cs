using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Broker.Routing;

/// <summary>A message on its way from one connection to others. All slices are in the reader's buffer.</summary>
internal readonly ref struct RoutedMessage
{
    public RoutedMessage(in NatsOp op)
    {
        Subject = ClientSubject = op.Subject;
        Reply = ClientReply = op.Reply;
        Sizes = op.Sizes;
        HeaderBytes = op.HeaderBytes;
        PayloadWithEnd = op.PayloadWithEnd;
    }

    /// <summary>As received; sent unchanged over leaf links.</summary>
    public ReadOnlySpan<byte> Subject { get; init; }

    /// <summary>Empty when there is none.</summary>
    public ReadOnlySpan<byte> Reply { get; init; }

    /// <summary>
    /// The subject for local clients, where it differs (acknowledgements of JetStream that crossed a leaf link).
    /// </summary>
    public ReadOnlySpan<byte> ClientSubject { get; init; }

    public ReadOnlySpan<byte> ClientReply { get; init; }

    /// <summary>The sizes as received: <c>size</c> or <c>header-size size</c>.</summary>
    public ReadOnlySpan<byte> Sizes { get; init; }

    /// <summary>Of the header block at the begin of the payload; 0 without headers.</summary>
    public int HeaderBytes { get; init; }

    /// <summary>Header block, body, CRLF.</summary>
    public ReadOnlySpan<byte> PayloadWithEnd { get; init; }

    /// <summary>Header block and body, without CRLF.</summary>
    public int TotalBytes => PayloadWithEnd.Length - 2;
}
