using System.Buffers;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>
/// CPace over X25519 with SHA-512: two sides with the same secret get the same key, and a side with another one learns
/// nothing but that its one guess was wrong. Spec: draft-irtf-cfrg-cpace, CPACE-X25519-SHA512; its test vectors are
/// tests.
/// </summary>
internal static class CPace
{
    /// <summary>Bytes of a scalar, and of a point.</summary>
    public const int PointBytes = 32;

    private const int BlockBytes = 128;
    private const int CurveA = 486662;

    /// <summary>The generator that both sides compute from the secret.</summary>
    /// <param name="secret">What both sides must know.</param>
    /// <param name="channel">Who speaks with whom.</param>
    /// <param name="session">Of this connection alone.</param>
    public static byte[] Generator(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> session)
    {
        var text = new ArrayBufferWriter<byte>();
        AppendCounted(text, "CPace255"u8);
        AppendCounted(text, secret);
        // The secret and its padding fill the first block, so that hashing it does not show in the time of the rest.
        AppendCounted(text, new byte[Math.Max(0, BlockBytes - 1 - text.WrittenCount)]);
        AppendCounted(text, channel);
        AppendCounted(text, session);
        return Elligator2(SHA512.HashData(text.WrittenSpan).AsSpan(0, PointBytes));
    }

    /// <summary>scalar · point; the scalar is clamped as RFC 7748 says.</summary>
    public static byte[] Multiply(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point)
    {
        var product = new byte[PointBytes];
        X25519.ScalarMult(scalar.ToArray(), 0, point.ToArray(), 0, product, 0);
        return product;
    }

    /// <summary>The same; null for a point that leads to zero, which no honest side sends.</summary>
    public static byte[]? Agree(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point)
    {
        var product = Multiply(scalar, point);
        return CryptographicOperations.FixedTimeEquals(product, new byte[PointBytes]) ? null : product;
    }

    /// <summary>The key of both sides, 64 bytes (ISK).</summary>
    /// <param name="session">As given to <see cref="Generator"/>.</param>
    /// <param name="shared">What <see cref="Agree"/> answered.</param>
    /// <param name="initiator">The point that the first side sent, and what it binds.</param>
    /// <param name="responder">The same of the second side.</param>
    public static byte[] Key(
        ReadOnlySpan<byte> session, ReadOnlySpan<byte> shared, CPaceMessage initiator, CPaceMessage responder)
    {
        var text = new ArrayBufferWriter<byte>();
        AppendCounted(text, "CPace255_ISK"u8);
        AppendCounted(text, session);
        AppendCounted(text, shared);
        text.Write(initiator.Bytes());
        text.Write(responder.Bytes());
        return SHA512.HashData(text.WrittenSpan);
    }

    /// <summary>Proves that its sender has the key: a MAC over the message that it sent.</summary>
    public static byte[] Confirmation(ReadOnlySpan<byte> session, ReadOnlySpan<byte> key, CPaceMessage message) =>
        HMACSHA512.HashData(SHA512.HashData([.. "CPaceMac"u8, .. session, .. key]), message.Bytes());

    /// <summary>Behind its length, in groups of seven bits.</summary>
    public static void AppendCounted(ArrayBufferWriter<byte> text, ReadOnlySpan<byte> value)
    {
        var length = value.Length;
        for (; length >= 0x80; length >>= 7) text.Write<byte>([(byte)(length | 0x80)]);
        text.Write<byte>([(byte)length]);
        text.Write(value);
    }

    // v = -A / (1 + 2r²); the result is v where v³ + Av² + v is a square, else -v - A. Both are computed, and the
    // choice is a mask, so that neither time nor branches depend on the secret.
    private static byte[] Elligator2(ReadOnlySpan<byte> hash)
    {
        var r = X25519Field.Create();
        X25519Field.Decode255(Masked(hash), r);

        var (denominator, v, other, test) = (Field(), Field(), Field(), Field());
        X25519Field.Sqr(r, denominator);
        X25519Field.Mul(denominator, 2, denominator);
        X25519Field.AddOne(denominator);
        X25519Field.Carry(denominator);
        X25519Field.Inv(denominator, denominator);
        X25519Field.Mul(denominator, CurveA, v);
        X25519Field.Sub(Field(), v, v);
        X25519Field.Carry(v);

        X25519Field.Mul(v, CurveA, other);
        X25519Field.Sqr(v, test);
        X25519Field.Add(test, other, test);
        X25519Field.AddOne(test);
        X25519Field.Carry(test);
        X25519Field.Mul(test, v, test);
        var isSquare = IsSquare(test);

        var a = Field();
        X25519Field.One(a);
        X25519Field.Mul(a, CurveA, a);
        X25519Field.Add(v, a, other);
        X25519Field.Sub(Field(), other, other);
        X25519Field.Carry(other);
        return Select(isSquare, Encode(v), Encode(other));
    }

    private static byte[] Masked(ReadOnlySpan<byte> hash)
    {
        var bytes = hash.ToArray();
        bytes[^1] &= 0x7f;
        return bytes;
    }

    // Euler: x^((p-1)/2), and (p-1)/2 = 2^254 - 10. The exponent is public, so its branches are as well.
    private static byte IsSquare(int[] x)
    {
        var power = Field();
        X25519Field.Copy(x, 0, power, 0);
        for (var bit = 252; bit >= 0; bit--)
        {
            X25519Field.Sqr(power, power);
            if (bit is not (0 or 3)) X25519Field.Mul(power, x, power);
        }

        var one = Field();
        X25519Field.One(one);
        return (byte)(CryptographicOperations.FixedTimeEquals(Encode(power), Encode(one)) ? 0xff : 0);
    }

    private static byte[] Select(byte mask, byte[] yes, byte[] no)
    {
        var chosen = new byte[PointBytes];
        for (var i = 0; i < chosen.Length; i++) chosen[i] = (byte)((yes[i] & mask) | (no[i] & ~mask));
        return chosen;
    }

    private static byte[] Encode(int[] x)
    {
        X25519Field.Normalize(x);
        var bytes = new byte[PointBytes];
        X25519Field.Encode(x, bytes, 0);
        return bytes;
    }

    private static int[] Field() => X25519Field.Create();
}

/// <summary>What one side sends: its point, and the data that it binds to it.</summary>
internal sealed record CPaceMessage(byte[] Point, byte[] Bound)
{
    /// <summary>Both behind their lengths, as transcripts have them.</summary>
    public byte[] Bytes()
    {
        var text = new ArrayBufferWriter<byte>();
        CPace.AppendCounted(text, Point);
        CPace.AppendCounted(text, Bound);
        return text.WrittenSpan.ToArray();
    }
}
