using System.Buffers.Binary;

namespace EdgeSync.Iroh.PortMapping;

/// <summary>
/// PCP's MAP: asks a router for a UDP port; addresses are of IPv6, or IPv4 mapped into it. Spec: RFC 6887 §7, §11.
/// <code>
/// 02 01 0000 lifetime(4) client(16)            02 81 00 result(1) lifetime(4) epoch(4) 0(12)
/// nonce(12) 11 000000 internal(2) external(2) address(16)                 the same in both
/// </code>
/// </summary>
internal static class Pcp
{
    public const byte Version = 2;
    public const int NonceBytes = 12;

    private const byte MapAnswer = 0x81;
    private const int HeaderBytes = 24;
    private const int Bytes = HeaderBytes + 36;
    private const byte Udp = 17;

    /// <param name="client">The address of this machine, as the router sees it.</param>
    /// <param name="nonce">The same in each request for one mapping.</param>
    /// <param name="external">The port that is wished for; 0: any.</param>
    /// <param name="lifetimeSeconds">0: unmap.</param>
    public static byte[] MapRequest(
        UInt128 client, ReadOnlySpan<byte> nonce, ushort internalPort, ushort external, uint lifetimeSeconds)
    {
        var request = new byte[Bytes];
        var body = request.AsSpan(HeaderBytes);
        (request[0], request[1]) = (Version, 1);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(4), lifetimeSeconds);
        BinaryPrimitives.WriteUInt128BigEndian(request.AsSpan(8), client);
        nonce.CopyTo(body);
        body[12] = Udp;
        BinaryPrimitives.WriteUInt16BigEndian(body[16..], internalPort);
        BinaryPrimitives.WriteUInt16BigEndian(body[18..], external);
        // "Any address" of the client's family.
        if (client >> 32 == 0xffff) BinaryPrimitives.WriteUInt128BigEndian(body[20..], (UInt128)0xffff << 32);
        return request;
    }

    /// <summary>Null: the reply maps no port.</summary>
    public static (UInt128 Address, ushort ExternalPort, uint LifetimeSeconds)? ReadMap(
        ReadOnlySpan<byte> answer, ReadOnlySpan<byte> nonce, ushort internalPort)
    {
        if (answer.Length < Bytes || answer[0] != Version || answer[1] != MapAnswer || answer[3] != 0) return null;
        var body = answer[HeaderBytes..];
        if (!body[..NonceBytes].SequenceEqual(nonce) || body[12] != Udp
            || BinaryPrimitives.ReadUInt16BigEndian(body[16..]) != internalPort) return null;

        return (
            BinaryPrimitives.ReadUInt128BigEndian(body[20..]), BinaryPrimitives.ReadUInt16BigEndian(body[18..]),
            BinaryPrimitives.ReadUInt32BigEndian(answer[4..]));
    }

    /// <summary>A refusal, also by a router that speaks NAT-PMP alone.</summary>
    public static bool IsRefusal(ReadOnlySpan<byte> answer) =>
        (answer.Length >= HeaderBytes && answer[0] == Version && answer[1] >= 0x80 && answer[3] != 0)
        || NatPmp.IsRefusal(answer);
}
