using System.Buffers;
using System.Text;

namespace EdgeSync.Nats.Wire;

/// <summary>The sender of the bytes, which decides the verbs.</summary>
internal enum WireSide : byte
{
    /// <summary>A client, read by a server.</summary>
    Client = 1,

    /// <summary>A server, read by its client.</summary>
    Server = 2,

    /// <summary>The other end of a leaf link.</summary>
    Leaf = 4,
}

/// <summary>Recognises verbs in any case, also incomplete ones. The frequent ones are read elsewhere.</summary>
internal static class WireVerbs
{
    /// <param name="rest">From the start of an operation.</param>
    /// <param name="argumentsAt">Behind the verb.</param>
    public static OperationStatus Recognise(
        ReadOnlySpan<byte> rest, WireSide side, out NatsVerb verb, out int argumentsAt)
    {
        if (rest.IsEmpty)
        {
            (verb, argumentsAt) = (NatsVerb.None, 0);
            return OperationStatus.NeedMoreData;
        }

        // No verb is a prefix of another one on the same side, except by its blank: one match at most.
        return TryVerb(
            rest, "PUB"u8, NatsVerb.Pub, side, WireSide.Client, true, out verb, out argumentsAt, out var status)
            || TryVerb(
                rest, "HPUB"u8, NatsVerb.HPub, side, WireSide.Client, true, out verb, out argumentsAt, out status)
            || TryVerb(rest, "SUB"u8, NatsVerb.Sub, side, WireSide.Client, true, out verb, out argumentsAt, out status)
            || TryVerb(
                rest, "UNSUB"u8, NatsVerb.Unsub, side, WireSide.Client, true, out verb, out argumentsAt, out status)
            || TryVerb(rest, "MSG"u8, NatsVerb.Msg, side, WireSide.Server, true, out verb, out argumentsAt, out status)
            || TryVerb(
                rest, "HMSG"u8, NatsVerb.HMsg, side, WireSide.Server | WireSide.Leaf, true, out verb, out argumentsAt,
                out status)
            || TryVerb(rest, "LMSG"u8, NatsVerb.LMsg, side, WireSide.Leaf, true, out verb, out argumentsAt, out status)
            || TryVerb(
                rest, "LS+"u8, NatsVerb.LeafSub, side, WireSide.Leaf, true, out verb, out argumentsAt, out status)
            || TryVerb(
                rest, "LS-"u8, NatsVerb.LeafUnsub, side, WireSide.Leaf, true, out verb, out argumentsAt, out status)
            || TryVerb(rest, "PING"u8, NatsVerb.Ping, side, Everybody, false, out verb, out argumentsAt, out status)
            || TryVerb(rest, "PONG"u8, NatsVerb.Pong, side, Everybody, false, out verb, out argumentsAt, out status)
            || TryVerb(
                rest, "CONNECT"u8, NatsVerb.Connect, side, WireSide.Client | WireSide.Leaf, true, out verb,
                out argumentsAt, out status)
            || TryVerb(rest, "INFO"u8, NatsVerb.Info, side, Everybody, true, out verb, out argumentsAt, out status)
            || TryVerb(rest, "+OK"u8, NatsVerb.Ok, side, Everybody, false, out verb, out argumentsAt, out status)
            || TryVerb(rest, "-ERR"u8, NatsVerb.Err, side, Everybody, true, out verb, out argumentsAt, out status)
            ? status
            : OperationStatus.InvalidData;
    }

    private const WireSide Everybody = WireSide.Client | WireSide.Server | WireSide.Leaf;

    /// <summary>True when these bytes are the verb, or may still become it.</summary>
    private static bool TryVerb(
        ReadOnlySpan<byte> rest, ReadOnlySpan<byte> name, NatsVerb candidate, WireSide side, WireSide sides,
        bool hasArguments,
        out NatsVerb verb, out int argumentsAt, out OperationStatus status)
    {
        verb = candidate;
        argumentsAt = name.Length;
        status = OperationStatus.Done;
        if ((side & sides) == 0) return false;

        var common = Math.Min(rest.Length, name.Length);
        if (!Ascii.EqualsIgnoreCase(rest[..common], name[..common])) return false;

        // Spec: a verb with arguments is followed by a blank; after PING, PONG and +OK anything up to the line end is
        // skipped.
        if (rest.Length <= name.Length) status = OperationStatus.NeedMoreData;
        else if (hasArguments && !ArgumentReader.IsBlank(rest[name.Length])) return false;
        return true;
    }
}
