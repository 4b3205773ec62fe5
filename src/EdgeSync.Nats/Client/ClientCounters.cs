namespace EdgeSync.Nats.Client;

/// <summary>What went over a connection so far.</summary>
public record struct ClientCounters
{
    public long InMsgs { get; set; }

    public long OutMsgs { get; set; }

    public long InBytes { get; set; }

    public long OutBytes { get; set; }

    public long Reconnects { get; set; }

    /// <summary>Messages whose header block breaks the grammar.</summary>
    public long BadHeaders { get; set; }

    /// <summary>Bytes that no socket took yet.</summary>
    public long PendingBytes { get; set; }
}
