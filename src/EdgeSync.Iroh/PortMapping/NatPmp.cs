using System.Buffers.Binary;

namespace EdgeSync.Iroh.PortMapping;

/// <summary>
/// NAT-PMP: asks a router for its address and for a UDP port. Spec: RFC 6886 §3.
/// <code>
/// 00 00                                                  address?
/// 00 80 result(2) epoch(4) IPv4(4)                       its answer
/// 00 01 0000 internal(2) external(2) lifetime(4)         map UDP?  lifetime 0: unmap
/// 00 81 result(2) epoch(4) internal(2) external(2) lifetime(4)
/// </code>
/// </summary>
internal static class NatPmp
{
    public const byte Version = 0;

    private const byte AnswerBit = 0x80;
    private const byte AddressOperation = 0;
    private const byte MapUdpOperation = 1;
    private const int AddressAnswerBytes = 12;
    private const int MapAnswerBytes = 16;

    public static byte[] AddressRequest() => [Version, AddressOperation];

    public static byte[] MapRequest(ushort internalPort, ushort externalPort, uint lifetimeSeconds)
    {
        var request = new byte[12];
        request[1] = MapUdpOperation;
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(4), internalPort);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), externalPort);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(8), lifetimeSeconds);
        return request;
    }

    /// <summary>The router's IPv4 address; null: the reply has none.</summary>
    public static uint? ReadAddress(ReadOnlySpan<byte> answer) =>
        IsSuccess(answer, AddressOperation, AddressAnswerBytes)
            ? BinaryPrimitives.ReadUInt32BigEndian(answer[8..])
            : null;

    /// <summary>Null: the reply maps no port.</summary>
    public static (ushort ExternalPort, uint LifetimeSeconds)? ReadMap(
        ReadOnlySpan<byte> answer, ushort internalPort) =>
        IsSuccess(answer, MapUdpOperation, MapAnswerBytes)
        && BinaryPrimitives.ReadUInt16BigEndian(answer[8..]) == internalPort
            ? (BinaryPrimitives.ReadUInt16BigEndian(answer[10..]), BinaryPrimitives.ReadUInt32BigEndian(answer[12..]))
            : null;

    /// <summary>A refusal of one of the requests.</summary>
    public static bool IsRefusal(ReadOnlySpan<byte> answer) =>
        answer.Length >= 4 && answer[0] == Version && answer[1] >= AnswerBit
        && BinaryPrimitives.ReadUInt16BigEndian(answer[2..]) != 0;

    private static bool IsSuccess(ReadOnlySpan<byte> answer, byte operation, int bytes) =>
        answer.Length >= bytes && answer[0] == Version && answer[1] == (operation | AnswerBit)
        && BinaryPrimitives.ReadUInt16BigEndian(answer[2..]) == 0;
}
