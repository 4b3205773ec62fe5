using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Wire;

/// <summary>Makes unique names: 12 characters drawn once, then a counter of 10, all base 62.</summary>
public sealed class Nuid
{
    /// <summary>Length of every name.</summary>
    public const int Length = 22;

    private const int PrefixLength = 12;
    private const ulong SequenceEnd = 839_299_365_868_340_224;   // 62^10

    private readonly Entropy _entropy;
    private readonly byte[] _prefix = new byte[PrefixLength];
    private ulong _sequence;
    private ulong _step;

    public Nuid(Entropy entropy)
    {
        _entropy = entropy;
        Renew();
    }

    private static ReadOnlySpan<byte> Digits => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8;

    /// <summary>A new name, not thread-safe.</summary>
    public string Next()
    {
        Span<byte> name = stackalloc byte[Length];
        Write(name);
        return Encoding.ASCII.GetString(name);
    }

    /// <summary>Writes <see cref="Length"/> characters.</summary>
    public void Write(Span<byte> target)
    {
        if (_sequence >= SequenceEnd - _step) Renew();
        _sequence += _step;

        _prefix.CopyTo(target);
        var rest = _sequence;
        for (var i = Length - 1; i >= PrefixLength; i--)
        {
            (rest, var digit) = Math.DivRem(rest, 62UL);
            target[i] = Digits[(int)digit];
        }
    }

    private void Renew()
    {
        Span<byte> random = stackalloc byte[PrefixLength + 16];
        _entropy.Fill(random);
        for (var i = 0; i < PrefixLength; i++) _prefix[i] = Digits[random[i] % 62];
        _sequence = BitConverter.ToUInt64(random[PrefixLength..]) % SequenceEnd;
        // steps differ, so that names are hard to guess
        _step = 33 + BitConverter.ToUInt64(random[(PrefixLength + 8)..]) % 300;
    }
}
