namespace EdgeSync.Primitives.Crypto;

/// <summary>
/// The cipher inside bcrypt, keyed as that wants it. Its tables begin as the digits of π behind the point:
/// <code>
///   0 … 17      subkeys P
///   18 … 1041   four boxes S of 256 words
/// </code>
/// The digits are worked out once, when first needed (about 4 KB of them, some 20 ms): a table in the program could be wrong
/// in any of its thousand words.
/// </summary>
internal sealed class Blowfish
{
    private const int SubkeyCount = 18;
    private const int WordCount = SubkeyCount + 1024;

    private static readonly Lazy<uint[]> Initial = new(() => PiDigits.Fraction(WordCount));

    private readonly uint[] _words = Initial.Value.AsSpan().ToArray();

    /// <summary>Mixes key and salt into the tables.</summary>
    public void Expand(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
    {
        MixSubkeys(key);
        uint left = 0, right = 0;
        for (int i = 0, at = 0; i < WordCount; i += 2)
        {
            left ^= NextWord(salt, ref at);
            right ^= NextWord(salt, ref at);
            Encrypt(ref left, ref right);
            (_words[i], _words[i + 1]) = (left, right);
        }
    }

    /// <summary>As <see cref="Expand(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/> with a salt of zeros.</summary>
    public void Expand(ReadOnlySpan<byte> key)
    {
        MixSubkeys(key);
        uint left = 0, right = 0;
        for (var i = 0; i < WordCount; i += 2)
        {
            Encrypt(ref left, ref right);
            (_words[i], _words[i + 1]) = (left, right);
        }
    }

    public void Encrypt(ref uint left, ref uint right)
    {
        var words = _words.AsSpan(0, WordCount);
        var boxes = words.Slice(SubkeyCount, 1024);
        var (l, r) = (left ^ words[0], right);
        for (var round = 1; round <= 16; round += 2)
        {
            r ^= Mix(boxes, l) ^ words[round];
            l ^= Mix(boxes, r) ^ words[round + 1];
        }

        (left, right) = (r ^ words[17], l);
    }

    private static uint Mix(ReadOnlySpan<uint> boxes, uint word) =>
        ((boxes[(int)(word >> 24)] + boxes[256 + (int)(byte)(word >> 16)]) ^ boxes[512 + (int)(byte)(word >> 8)]) + boxes[768 + (int)(byte)word];

    private void MixSubkeys(ReadOnlySpan<byte> key)
    {
        var at = 0;
        for (var i = 0; i < SubkeyCount; i++) _words[i] ^= NextWord(key, ref at);
    }

    /// <summary>Four bytes, going round.</summary>
    private static uint NextWord(ReadOnlySpan<byte> bytes, ref int at)
    {
        uint word = 0;
        for (var i = 0; i < sizeof(uint); i++)
        {
            word = (word << 8) | bytes[at];
            at = at + 1 == bytes.Length ? 0 : at + 1;
        }

        return word;
    }
}

/// <summary>π = 16 arctan(1/5) − 4 arctan(1/239), in fixed point: one word before the point, the others behind it.</summary>
internal static class PiDigits
{
    private const int GuardWords = 2;

    /// <summary>The first words behind the point.</summary>
    public static uint[] Fraction(int count)
    {
        var pi = new uint[1 + count + GuardWords];
        AddArctangent(pi, 16, 5, isNegative: false);
        AddArctangent(pi, 4, 239, isNegative: true);
        return pi[1..(1 + count)];
    }

    // arctan(1/x) = 1/x − 1/3x³ + 1/5x⁵ − …
    private static void AddArctangent(uint[] sum, uint factor, uint x, bool isNegative)
    {
        var power = new uint[sum.Length];
        var term = new uint[sum.Length];
        power[0] = factor;
        var first = Divide(power, x, power, 0);
        for (uint odd = 1; first < power.Length; odd += 2)
        {
            Divide(power, odd, term, first);
            Add(sum, term, first, isNegative);
            isNegative = !isNegative;
            first = Divide(power, x * x, power, first);
        }
    }

    /// <summary>Gives the first word that is not zero.</summary>
    private static int Divide(uint[] number, uint divisor, uint[] quotient, int first)
    {
        ulong rest = 0;
        for (var i = first; i < number.Length; i++)
        {
            rest = (rest << 32) | number[i];
            quotient[i] = (uint)(rest / divisor);
            rest %= divisor;
        }

        while (first < quotient.Length && quotient[first] == 0) first++;
        return first;
    }

    private static void Add(uint[] sum, uint[] term, int first, bool isNegative)
    {
        long carry = 0;
        for (var i = sum.Length - 1; i >= 0 && (i >= first || carry != 0); i--)
        {
            var word = i >= first ? (long)term[i] : 0;
            carry += sum[i] + (isNegative ? -word : word);
            sum[i] = (uint)carry;
            carry >>= 32;
        }
    }
}
