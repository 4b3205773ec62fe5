using System.Security.Cryptography;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Protection;

/// <summary>The tag of a Retry packet: it holds against damage, not against an attacker. Spec: RFC 9001 §5.8.</summary>
internal static class RetryIntegrity
{
    private static ReadOnlySpan<byte> Key =>
        [0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e];

    private static ReadOnlySpan<byte> Nonce =>
        [0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb];

    /// <summary>Bytes that fit any Retry packet of ours with the id before it.</summary>
    private const int PseudoBytes = 384;

    /// <summary>Of this thread: a cipher is not for several at once. Its key is public.</summary>
    [ThreadStatic]
    private static AesGcm? _cipher;

    /// <summary>Computes the tag.</summary>
    /// <param name="original">The destination id of the client's first Initial packet.</param>
    /// <param name="packet">The Retry packet without its tag.</param>
    public static void Compute(in ConnectionId original, ReadOnlySpan<byte> packet, Span<byte> tag)
    {
        var length = 1 + original.Length + packet.Length;
        var pseudo = length <= PseudoBytes ? stackalloc byte[PseudoBytes] : new byte[length];
        pseudo = pseudo[..length];
        pseudo[0] = (byte)original.Length;
        original.CopyTo(pseudo[1..]);
        packet.CopyTo(pseudo[(1 + original.Length)..]);
        // A key costs more than the tag, and a flood of first packets asks for many tags.
        _cipher ??= new AesGcm(Key, PacketHeader.RetryTagBytes);
        _cipher.Encrypt(Nonce, [], [], tag[..PacketHeader.RetryTagBytes], pseudo);
    }

    /// <summary>Whether a Retry packet carries the right tag.</summary>
    public static bool Verify(in ConnectionId original, ReadOnlySpan<byte> packetWithTag)
    {
        Span<byte> tag = stackalloc byte[PacketHeader.RetryTagBytes];
        Compute(original, packetWithTag[..^PacketHeader.RetryTagBytes], tag);
        return CryptographicOperations.FixedTimeEquals(tag, packetWithTag[^PacketHeader.RetryTagBytes..]);
    }
}
