namespace EdgeSync.Nats.Wire;

/// <summary>Why bytes of a peer violate the protocol. Each one ends the connection.</summary>
public enum WireFault : byte
{
    None,

    /// <summary>Not a verb of this side, or a body without its CRLF.</summary>
    UnknownOperation,

    /// <summary>The argument part of a control line is longer than the limit.</summary>
    ControlLineTooLong,

    /// <summary>The control line announces more than max_payload.</summary>
    PayloadTooLarge,

    /// <summary>Wrong number of arguments, or an invalid size.</summary>
    BadArguments,
}

/// <summary>The texts that a server sends for a fault before it closes.</summary>
public static class WireFaults
{
    /// <summary>The text of the <c>-ERR</c>, without quotes; empty when the original closes silently.</summary>
    public static ReadOnlySpan<byte> ErrorText(WireFault fault) => fault switch
    {
        WireFault.UnknownOperation => "Unknown Protocol Operation"u8,
        WireFault.ControlLineTooLong => "maximum control line exceeded"u8,
        WireFault.PayloadTooLarge => "Maximum Payload Violation"u8,
        _ => default,
    };
}

/// <summary>How much of one operation is accepted from a peer.</summary>
/// <param name="ControlLineBytesMax">Of the argument part: behind verb and blanks, without line end.</param>
/// <param name="PayloadBytesMax">Of header block and body together.</param>
public readonly record struct WireLimits(int ControlLineBytesMax, int PayloadBytesMax)
{
    /// <summary>
    /// The limits of a client for its server: INFO may list a large cluster, and the server sets max_payload.
    /// </summary>
    public static WireLimits OfServers { get; } = new(1 << 20, 64 << 20);

    /// <summary>On a leaf link, where one line names all queue groups of a message.</summary>
    public static WireLimits OfLeaves { get; } = new(65_536, 1 << 20);
}
