using System.Buffers.Binary;
using System.Security.Cryptography;
using NATS.NKeys;

namespace EdgeSync.UnitTests.Nats.Keys;

/// <summary>NKeys of chosen bytes, for vectors and for runs that replay.</summary>
internal static class TestKeys
{
    public static KeyPair OfSeed(byte[] seed, PrefixByte kind = PrefixByte.User)
    {
        using var chosen = new ChosenBytes(seed);
        return KeyPair.CreatePair(kind, chosen);
    }

    public static KeyPair Numbered(byte number) => OfSeed(Enumerable.Repeat(number, 32).ToArray());

    /// <summary>
    /// The text form of any bytes as a user's public key, also of bytes that are no point of the curve.
    /// </summary>
    public static string PublicText(byte[] key)
    {
        byte[] bytes = [(byte)PrefixByte.User, .. key, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(^2..), Crc16(bytes.AsSpan(..^2)));
        var text = new char[Base32.GetEncodedLength(bytes)];
        Base32.ToBase32(bytes, text);
        return new string(text);
    }

    // CRC-16/XMODEM: polynomial 0x1021, begins with 0.
    private static ushort Crc16(ReadOnlySpan<byte> bytes)
    {
        var crc = 0;
        foreach (var b in bytes)
        {
            crc ^= b << 8;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
        }

        return (ushort)crc;
    }

    private sealed class ChosenBytes(byte[] chosen) : RandomNumberGenerator
    {
        public override void GetBytes(byte[] data) => chosen.CopyTo(data, 0);
    }
}
