namespace EdgeSync.Nats.Wire;

/// <summary>
/// One operation, as slices of the bytes it was read from: valid until these move. A part that the verb does not have,
/// or that was omitted, is empty.
/// </summary>
/// <remarks>
/// <code>
///   HMSG  foo.bar  9  re.ply  12 17 CRLF   NATS/1.0 CRLF CRLF  hello   CRLF
///   Verb  Subject Sid Reply   Sizes        └ HeaderBytes ────┘
///                                          └ TotalBytes ─────────────┘
///                                          └ Payload ────────────────┘
///                                          └ PayloadWithEnd ────────────────┘
/// </code>
/// </remarks>
public ref struct NatsOp
{
    public NatsVerb Verb { get; internal set; }

    /// <summary>Everything between verb and line end: the JSON of INFO and CONNECT, the quoted text of -ERR.</summary>
    public ReadOnlySpan<byte> Arguments { get; internal set; }

    public ReadOnlySpan<byte> Subject { get; internal set; }

    public ReadOnlySpan<byte> Reply { get; internal set; }

    /// <summary>The queue group of SUB, LS+ and LS-.</summary>
    public ReadOnlySpan<byte> Queue { get; internal set; }

    /// <summary>
    /// All queue groups that a message on a leaf link names, with blanks between.
    /// </summary>
    public ReadOnlySpan<byte> Queues { get; internal set; }

    public ReadOnlySpan<byte> Sid { get; internal set; }

    /// <summary>
    /// The sizes as received, <c>size</c> or <c>header-size size</c>: ready to be copied into the output.
    /// </summary>
    public ReadOnlySpan<byte> Sizes { get; internal set; }

    /// <summary>Header block, body, and the CRLF after them.</summary>
    public ReadOnlySpan<byte> PayloadWithEnd { get; internal set; }

    /// <summary>Of the header block at the begin of the payload; 0 without one.</summary>
    public int HeaderBytes { get; internal set; }

    /// <summary>The <c>max</c> of UNSUB (0 without), the weight of LS+ (1 without).</summary>
    public int Number { get; internal set; }

    /// <summary>Size of header block and body together, without CRLF.</summary>
    public readonly int TotalBytes => PayloadWithEnd.IsEmpty ? 0 : PayloadWithEnd.Length - 2;

    /// <summary>Header block and body.</summary>
    public readonly ReadOnlySpan<byte> Payload => PayloadWithEnd[..TotalBytes];

    public readonly ReadOnlySpan<byte> Headers => PayloadWithEnd[..HeaderBytes];

    public readonly ReadOnlySpan<byte> Body => PayloadWithEnd[HeaderBytes..TotalBytes];
}
