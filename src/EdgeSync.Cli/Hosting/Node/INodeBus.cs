namespace EdgeSync.Cli.Hosting.Node;

/// <summary>A message that came.</summary>
/// <param name="Reply">Where an answer goes, or null.</param>
internal readonly record struct BusMessage(string Subject, string? Reply, ReadOnlyMemory<byte> Payload);

/// <summary>What a node wants of NATS for its decisions; exchanges go through their own carrier.</summary>
internal interface INodeBus
{
    bool IsConnected { get; }

    /// <summary>May throw the message away while the link is down.</summary>
    ValueTask PublishAsync(string subject, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>
    /// Replies in the order in which they come, at most <paramref name="repliesMax"/>; it ends early with a status message,
    /// with silence beyond <paramref name="timeout"/>, or with the link.
    /// </summary>
    IAsyncEnumerable<BusMessage> RequestAsync(
        string subject, ReadOnlyMemory<byte> payload, TimeSpan timeout, int repliesMax, CancellationToken cancellationToken);

    /// <summary>An exchange with one peer, or with whoever answers.</summary>
    Sync.IXferCarrier OpenCarrier(string subject);
}
