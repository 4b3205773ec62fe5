using System.Security.Cryptography;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Protection;

/// <summary>HKDF-Expand-Label. Spec: RFC 8446 §7.1, RFC 9001 §5.1.</summary>
internal static class Labels
{
    /// <param name="label">Without its prefix <c>tls13 </c>; ASCII.</param>
    /// <param name="output">Filled whole.</param>
    public static void Expand(
        HashAlgorithmName hash, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> label, ReadOnlySpan<byte> context,
        Span<byte> output)
    {
        var prefix = "tls13 "u8;
        Span<byte> info = stackalloc byte[2 + 1 + 255 + 1 + CipherSuite.HashBytesMax];
        var writer = new WireWriter(info);
        writer.WriteUInt16((ushort)output.Length);
        writer.WriteByte((byte)(prefix.Length + label.Length));
        writer.WriteBytes(prefix);
        writer.WriteBytes(label);
        writer.WriteByte((byte)context.Length);
        writer.WriteBytes(context);
        HKDF.Expand(hash, secret, output, writer.Written);
    }
}
