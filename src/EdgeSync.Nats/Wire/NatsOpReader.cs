using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// Reads operations from a peer's bytes, in place and without allocating: a whole operation (line, payload and its
/// CRLF) or nothing. Limits are checked on the control line, before waiting for a payload.
/// </summary>
/// <remarks>
/// One method for each kind of peer. <c>Done</c> moves <see cref="Consumed"/> behind the operation. <c>NeedMoreData</c>
/// leaves it at the begin of the incomplete one: keep the bytes from there on, and call again with more behind them.
/// <c>InvalidData</c> sets <see cref="Fault"/>; nothing behind it can be trusted.
/// Spec: docs.nats.io, client protocol; leaf verbs as in nats-server 2.9.10.
/// </remarks>
public ref struct NatsOpReader(ReadOnlySpan<byte> input, WireLimits limits)
{
    private readonly ReadOnlySpan<byte> _input = input;
    private readonly WireLimits _limits = limits;

    // The first four bytes of the most frequent verbs, as a little-endian number.
    private const uint PubBlank = 'P' | ('U' << 8) | ('B' << 16) | (' ' << 24);
    private const uint HPub = 'H' | ('P' << 8) | ('U' << 16) | ('B' << 24);
    private const uint MsgBlank = 'M' | ('S' << 8) | ('G' << 16) | (' ' << 24);
    private const uint HMsg = 'H' | ('M' << 8) | ('S' << 16) | ('G' << 24);
    private const uint LMsg = 'L' | ('M' << 8) | ('S' << 16) | ('G' << 24);

    /// <summary>The bytes of the input that whole operations took.</summary>
    public int Consumed { get; private set; }

    /// <summary>
    /// After <c>NeedMoreData</c>: the full size of the incomplete operation, or 0 while its line is not complete.
    /// </summary>
    public int BytesNeeded { get; private set; }

    public WireFault Fault { get; private set; }

    /// <summary>The operations of a client, read by a server.</summary>
    public OperationStatus TryReadFromClient(out NatsOp op)
    {
        var rest = _input[Consumed..];
        if (rest.Length > 4)
        {
            var first = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            if (first == PubBlank) return ReadMessage(rest, NatsVerb.Pub, 4, out op);
            if (first == HPub && ArgumentReader.IsBlank(rest[4])) return ReadMessage(rest, NatsVerb.HPub, 5, out op);
        }

        return ReadAny(rest, WireSide.Client, out op);
    }

    /// <summary>
    /// The operations of a server, read by its client: by simulated clients, since NATS.Net has a reader of its own.
    /// </summary>
    internal OperationStatus TryReadFromServer(out NatsOp op)
    {
        var rest = _input[Consumed..];
        if (rest.Length > 4)
        {
            var first = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            if (first == MsgBlank) return ReadMessage(rest, NatsVerb.Msg, 4, out op);
            if (first == HMsg && ArgumentReader.IsBlank(rest[4])) return ReadMessage(rest, NatsVerb.HMsg, 5, out op);
        }

        return ReadAny(rest, WireSide.Server, out op);
    }

    /// <summary>The operations of a leaf link, read by either end.</summary>
    public OperationStatus TryReadFromLeaf(out NatsOp op)
    {
        var rest = _input[Consumed..];
        if (rest.Length > 4)
        {
            var first = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            if (first == LMsg && ArgumentReader.IsBlank(rest[4]))
                return ReadLeafMessage(rest, NatsVerb.LMsg, 5, out op);
            if (first == HMsg && ArgumentReader.IsBlank(rest[4]))
                return ReadLeafMessage(rest, NatsVerb.HMsg, 5, out op);
        }

        return ReadAny(rest, WireSide.Leaf, out op);
    }

    private OperationStatus ReadAny(ReadOnlySpan<byte> rest, WireSide side, out NatsOp op)
    {
        op = default;
        BytesNeeded = 0;
        var status = WireVerbs.Recognise(rest, side, out var verb, out var argumentsAt);
        if (status == OperationStatus.InvalidData) return Fail(WireFault.UnknownOperation);
        if (status == OperationStatus.NeedMoreData)
            return rest.Length > _limits.ControlLineBytesMax ? Fail(WireFault.ControlLineTooLong) : status;

        switch (verb)
        {
            case NatsVerb.Pub or NatsVerb.HPub or NatsVerb.Msg: return ReadMessage(rest, verb, argumentsAt, out op);
            case NatsVerb.HMsg when side == WireSide.Server: return ReadMessage(rest, verb, argumentsAt, out op);
            case NatsVerb.LMsg or NatsVerb.HMsg: return ReadLeafMessage(rest, verb, argumentsAt, out op);
        }

        status = ReadLine(rest, argumentsAt, out var line, out var lineEnd);
        if (status != OperationStatus.Done) return status;

        op.Verb = verb;
        op.Arguments = line;
        if (!OpArguments.TryRead(ref op, line)) return Fail(WireFault.BadArguments);

        Consumed += lineEnd;
        return OperationStatus.Done;
    }

    // PUB subject [reply] size · HPUB subject [reply] header-size size · MSG and HMSG with a sid behind the subject.
    private OperationStatus ReadMessage(ReadOnlySpan<byte> rest, NatsVerb verb, int argumentsAt, out NatsOp op)
    {
        op = default;
        var status = ReadLine(rest, argumentsAt, out var line, out var lineEnd);
        if (status != OperationStatus.Done) return status;

        op.Verb = verb;
        op.Arguments = line;
        if (!OpArguments.TryReadMessage(ref op, line, out var size)) return Fail(WireFault.BadArguments);

        status = ReadPayload(rest, lineEnd, size, out var payload);
        op.PayloadWithEnd = payload;
        return status;
    }

    private OperationStatus ReadLeafMessage(ReadOnlySpan<byte> rest, NatsVerb verb, int argumentsAt, out NatsOp op)
    {
        op = default;
        var status = ReadLine(rest, argumentsAt, out var line, out var lineEnd);
        if (status != OperationStatus.Done) return status;

        op.Verb = verb;
        op.Arguments = line;
        if (!OpArguments.TryReadLeafMessage(ref op, line, out var size)) return Fail(WireFault.BadArguments);

        status = ReadPayload(rest, lineEnd, size, out var payload);
        op.PayloadWithEnd = payload;
        return status;
    }

    /// <summary>The argument part: without the blanks before it and the line end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private OperationStatus ReadLine(
        ReadOnlySpan<byte> rest, int argumentsAt, out ReadOnlySpan<byte> line, out int lineEnd)
    {
        while (argumentsAt < rest.Length && ArgumentReader.IsBlank(rest[argumentsAt])) argumentsAt++;

        var arguments = rest[argumentsAt..];
        var length = arguments.IndexOf((byte)'\n');
        if (length < 0)
        {
            line = default;
            lineEnd = 0;
            BytesNeeded = 0;
            // Blanks before the arguments do not count, but their number is bounded.
            var size = arguments is [.., (byte)'\r'] ? arguments.Length - 1 : arguments.Length;
            return size > _limits.ControlLineBytesMax || argumentsAt > _limits.ControlLineBytesMax
                ? Fail(WireFault.ControlLineTooLong)
                : OperationStatus.NeedMoreData;
        }

        lineEnd = argumentsAt + length + 1;
        if (length > 0 && arguments[length - 1] == '\r') length--;
        line = arguments[..length];
        return length > _limits.ControlLineBytesMax ? Fail(WireFault.ControlLineTooLong) : OperationStatus.Done;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private OperationStatus ReadPayload(
        ReadOnlySpan<byte> rest, int payloadAt, int size, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (size > _limits.PayloadBytesMax) return Fail(WireFault.PayloadTooLarge);

        var end = payloadAt + size;
        if (end + 2 > rest.Length)
        {
            BytesNeeded = end + 2;
            if (end < rest.Length && rest[end] != '\r') return Fail(WireFault.UnknownOperation);
            return OperationStatus.NeedMoreData;
        }

        // Spec: a body is followed by exactly CRLF; LF alone is not enough.
        if (rest[end] != '\r' || rest[end + 1] != '\n') return Fail(WireFault.UnknownOperation);

        payload = rest[payloadAt..(end + 2)];
        Consumed += end + 2;
        return OperationStatus.Done;
    }

    private OperationStatus Fail(WireFault fault)
    {
        Fault = fault;
        return OperationStatus.InvalidData;
    }
}
