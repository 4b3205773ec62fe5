using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Wire;

namespace EdgeSync.Can.Sync.Records;

/// <summary>A range of keys: all that begin with the same hex digits.</summary>
/// <param name="Key">The digits, followed by zeros.</param>
/// <param name="Digits">How many of them, 0 to 64.</param>
public readonly record struct KeyPrefix(AssetHash Key, int Digits)
{
    /// <summary>Digits of a key.</summary>
    public const int DigitsMax = 2 * AssetHash.Size;

    /// <summary>The range of all keys.</summary>
    public static KeyPrefix All => default;

    /// <summary>Part of the range.</summary>
    /// <param name="digit">0 to 15.</param>
    public KeyPrefix Child(int digit)
    {
        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        Key.CopyTo(bytes);
        bytes[Digits / 2] |= (byte)(Digits % 2 == 0 ? digit << 4 : digit);
        return new KeyPrefix(new AssetHash(bytes), Digits + 1);
    }

    /// <summary>A digit of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="at">0 to 63.</param>
    public static int DigitOf(AssetHash key, int at)
    {
        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        key.CopyTo(bytes);
        return at % 2 == 0 ? bytes[at / 2] >> 4 : bytes[at / 2] & 15;
    }

    public bool Contains(AssetHash key)
    {
        for (var i = 0; i < Digits; i++)
        {
            if (DigitOf(key, i) != DigitOf(Key, i)) return false;
        }

        return true;
    }

    internal void WriteTo(WireWriter writer)
    {
        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        Key.CopyTo(bytes);
        writer.WriteByte((byte)Digits);
        writer.WriteBytes(bytes[..((Digits + 1) / 2)]);
    }

    internal static bool TryRead(ref WireReader reader, out KeyPrefix prefix)
    {
        prefix = default;
        if (!reader.TryReadByte(out var digits) || digits > DigitsMax
            || !reader.TryReadBytes((digits + 1) / 2, out var taken)) return false;
        if (digits % 2 == 1 && (taken[^1] & 15) != 0) return false;

        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        taken.CopyTo(bytes);
        prefix = new KeyPrefix(new AssetHash(bytes), digits);
        return true;
    }
}
