using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Tickets;

/// <summary>
/// What a machine needs to become a trusted peer of another one, as one word:
/// <code>
/// "esp" base32(01 TOKEN EXPIRES TICKET CHECKSUM)      RFC 4648 in lower case, no padding
/// TOKEN      16 bytes, used once
/// EXPIRES    seconds since 1970, 8 bytes, big-endian
/// TICKET     the bytes of the other endpoint's ticket
/// CHECKSUM   the first 4 bytes of BLAKE3 of everything before
/// </code>
/// Upper case, blanks and dashes are read too.
/// </summary>
public sealed record PairCode(byte[] Token, Instant ExpiresAt, EndpointAddress Peer)
{
    public const int TokenBytes = 16;

    private const string Prefix = "esp";
    private const string TicketPrefix = "endpoint";
    private const byte Version = 1;
    private const int ChecksumBytes = 4;
    private const int HeadBytes = 1 + TokenBytes + sizeof(long);
    private const int LengthMax = 16 * 1024;
    private const long LastSecond = 253_402_300_799;   // of the year 9999

    public string Encode()
    {
        var ticket = DecodedTicket(EndpointTicket.Format(Peer));
        var payload = new byte[HeadBytes + ticket.Length];
        payload[0] = Version;
        Token.CopyTo(payload, 1);
        BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(1 + TokenBytes), ExpiresAt.UnixSeconds);
        ticket.CopyTo(payload, HeadBytes);
        return Prefix + Base32Coding.Rfc4648.Encode([.. payload, .. Checksum(payload)]);
    }

    /// <summary>False for anything else, and for a code with a character that is missing or changed.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PairCode? code)
    {
        ArgumentNullException.ThrowIfNull(text);
        code = null;
        if (text.Length > LengthMax) return false;

        var word = string.Concat(text.Where(c => !char.IsWhiteSpace(c) && c != '-')).ToLowerInvariant();
        if (!word.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        if (!Base32Coding.Rfc4648.TryDecode(word.AsSpan(Prefix.Length), out var bytes)) return false;
        if (bytes.Length <= HeadBytes + ChecksumBytes) return false;

        var payload = bytes.AsSpan(0, bytes.Length - ChecksumBytes);
        if (payload[0] != Version || !Checksum(payload).AsSpan().SequenceEqual(bytes.AsSpan(payload.Length)))
            return false;

        var seconds = BinaryPrimitives.ReadInt64BigEndian(payload[(1 + TokenBytes)..]);
        if (seconds is < 0 or > LastSecond) return false;

        var ticket = TicketPrefix + Base32Coding.Rfc4648.Encode(payload[HeadBytes..]);
        if (EndpointTicket.TryParse(ticket, out var peer) != TicketFault.None) return false;

        code = new PairCode(payload.Slice(1, TokenBytes).ToArray(), Instant.FromUnixSeconds(seconds), peer!);
        return true;
    }

    /// <summary>Safe to log: without the token.</summary>
    public override string ToString() => $"pairing code of {Peer.Id.ToShortString()}";

    private static byte[] DecodedTicket(string ticket)
    {
        var isTicket = Base32Coding.Rfc4648.TryDecode(ticket.AsSpan(TicketPrefix.Length), out var bytes);
        Invariant.Require(isTicket);
        return bytes!;
    }

    private static byte[] Checksum(ReadOnlySpan<byte> payload) => IrohHash.Compute(payload)[..ChecksumBytes];
}
