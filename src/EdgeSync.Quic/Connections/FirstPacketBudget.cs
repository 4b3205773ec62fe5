using System.Buffers.Binary;
using EdgeSync.Primitives;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// How many first packets are taken, and how many answers each source gets, in a second: counters of fixed size that
/// are looked at before anything is decrypted or allocated.
/// </summary>
/// <remarks>
/// Sources share counters by a hash with a secret that changes every second, so that nobody can use up the share of
/// another one for long.
/// </remarks>
internal sealed class FirstPacketBudget
{
    /// <summary>First packets of a second from which on clients prove their address before anything else.</summary>
    public const int UnprovedMax = 128;

    /// <summary>Answers and connections of a second for one source while there is load.</summary>
    public const int PerSourceMax = 32;

    private const int CounterBits = 10;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly byte[] _bySource = new byte[1 << CounterBits];
    private ulong _secret;
    private Instant _since;
    private int _first;

    public FirstPacketBudget(Entropy entropy)
    {
        Span<byte> secret = stackalloc byte[sizeof(ulong)];
        entropy.Fill(secret);
        _secret = BinaryPrimitives.ReadUInt64LittleEndian(secret);
    }

    /// <summary>First packets that were dropped without an answer.</summary>
    public long Dropped { get; private set; }

    /// <summary>Counts a first packet; true when there were more of them than are looked at without a proof.</summary>
    public bool IsExceededBy(Instant now)
    {
        Renew(now);
        _first = Math.Min(_first + 1, UnprovedMax + 1);
        return _first > UnprovedMax;
    }

    /// <summary>Takes one of the answers that a source gets; false when it had them all.</summary>
    public bool TryTake(Instant now, in UdpAddress source)
    {
        Renew(now);
        ref var count = ref _bySource[IndexOf(source)];
        if (count >= PerSourceMax)
        {
            Dropped++;
            return false;
        }

        count++;
        return true;
    }

    /// <summary>An IPv4 address, the network of an IPv6 one (/64), or a peer behind a relay.</summary>
    private int IndexOf(in UdpAddress source)
    {
        var key = source.IsIPv4 || source.IsRelayed ? (ulong)source.Bits : (ulong)(source.Bits >> 64);
        // Twice: neighbouring addresses are a progression, which one multiplication leaves one.
        key = (key ^ _secret) * 0x9e3779b97f4a7c15;
        return (int)(((key ^ (key >> 32)) * (_secret | 1)) >> (64 - CounterBits));
    }

    private void Renew(Instant now)
    {
        if (now >= _since && now - _since < Period) return;
        _since = now;
        _first = 0;
        Array.Clear(_bySource);
        // The generator of Knuth's MMIX: the next secret need not be hard to foresee for who knows this one.
        _secret = (_secret * 6364136223846793005) + 1442695040888963407;
    }
}
