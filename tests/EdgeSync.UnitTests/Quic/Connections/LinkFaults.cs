using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>What a link does to datagrams, in each direction.</summary>
internal sealed record LinkFaults
{
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(10);

    public TimeSpan Jitter { get; init; }

    public double Loss { get; init; }

    public double Duplication { get; init; }

    public double Corruption { get; init; }

    public double CeMarks { get; init; }

    /// <summary>Bytes of the largest datagram that passes.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Bytes a second; 0 is without limit. What waits longer than the queue's time is dropped.</summary>
    public long Rate { get; init; }

    public TimeSpan QueueTime { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether ECN marks are cleared.</summary>
    public bool BleachesEcn { get; init; }

    /// <summary>The profiles that all simulators of the project know.</summary>
    public static IReadOnlyDictionary<string, LinkFaults> Profiles { get; } = new Dictionary<string, LinkFaults>
    {
        ["lan"] = Profile(100, 16, 0.1),
        ["wifi"] = Profile(25, 40, 1),
        ["lte"] = Profile(8, 90, 2),
        ["3g"] = Profile(3, 200, 3),
        ["edge"] = Profile(1.5, 300, 5),
        ["rural"] = Profile(0.8, 450, 8),
        ["sat"] = Profile(25, 600, 1.5),
        ["worst"] = Profile(0.5, 450, 12),
        ["hell"] = Profile(0.256, 800, 25),
    };

    private static LinkFaults Profile(double megabits, int rttMilliseconds, double lossPercent) => new()
    {
        Rate = (long)(megabits * 125_000),
        Delay = TimeSpan.FromMilliseconds(rttMilliseconds / 2.0),
        Loss = lossPercent / 100,
        QueueTime = TimeSpan.FromMilliseconds(500),
    };
}

/// <summary>One direction of a link: when what goes in comes out, if it does.</summary>
internal sealed class LinkQueue
{
    private Instant _free = Instant.FromUnixSeconds(0);

    /// <summary>Bytes that came out.</summary>
    public long Passed { get; private set; }

    /// <summary>When a datagram arrives; null when it is lost. Some bytes may be changed.</summary>
    public Instant? Pass(Instant now, LinkFaults link, Prng chance, byte[] bytes)
    {
        if (bytes.Length > link.Mtu || chance.Chance(link.Loss)) return null;
        var at = now + link.Delay + TimeSpan.FromTicks((long)(link.Jitter.Ticks * chance.NextDouble()));
        if (link.Rate > 0)
        {
            if (_free - now > link.QueueTime) return null;
            _free = (_free > now ? _free : now) + TimeSpan.FromSeconds((double)bytes.Length / link.Rate);
            at = _free + (at - now);
        }

        if (chance.Chance(link.Corruption)) bytes[chance.NextInt32(bytes.Length)] ^= (byte)(1 << chance.NextInt32(8));
        Passed += bytes.Length;
        return at;
    }

    /// <summary>The mark that arrives.</summary>
    public static EcnMark Mark(LinkFaults link, Prng chance, EcnMark mark) =>
        link.BleachesEcn ? EcnMark.NotEct
        : mark == EcnMark.Ect0 && chance.Chance(link.CeMarks) ? EcnMark.Ce
        : mark;
}
