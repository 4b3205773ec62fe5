using System.Text;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Broker;

/// <summary>The allowed subjects. Without an allow list everything is allowed that is not denied.</summary>
public sealed class SubjectPermissions
{
    private readonly byte[][]? _allow;
    private readonly byte[][] _deny;

    /// <param name="allow">Patterns, or null for everything.</param>
    /// <param name="deny">Patterns that win over <paramref name="allow"/>.</param>
    public SubjectPermissions(IReadOnlyList<string>? allow, IReadOnlyList<string> deny)
    {
        Allow = allow;
        Deny = deny;
        _allow = allow is null ? null : [.. allow.Select(Encoding.UTF8.GetBytes)];
        _deny = [.. deny.Select(Encoding.UTF8.GetBytes)];
    }

    public IReadOnlyList<string>? Allow { get; }

    public IReadOnlyList<string> Deny { get; }

    /// <summary>One subject, without wildcards.</summary>
    public bool AllowsMessage(ReadOnlySpan<byte> subject)
    {
        if (_allow is not null && !AnyMatches(_allow, subject)) return false;
        return !AnyMatches(_deny, subject);
    }

    /// <summary>A subscription, possibly with wildcards: all of it must be allowed, and not all of it denied.</summary>
    public bool AllowsSubscription(ReadOnlySpan<byte> pattern)
    {
        if (_allow is not null && !AnyCovers(_allow, pattern)) return false;
        return !AnyCovers(_deny, pattern);
    }

    /// <summary>Whether some subject that matches the pattern is allowed.</summary>
    public bool AllowsSomeOf(ReadOnlySpan<byte> pattern) =>
        (_allow is null || AnyOverlaps(_allow, pattern)) && !AnyCovers(_deny, pattern);

    /// <summary>Some subject that the subscription matches is denied: each delivery has to be checked.</summary>
    public bool DeniesBelow(ReadOnlySpan<byte> pattern) => AnyOverlaps(_deny, pattern);

    private static bool AnyMatches(byte[][] patterns, ReadOnlySpan<byte> subject)
    {
        foreach (var pattern in patterns)
        {
            if (NatsSubject.Matches(pattern, subject)) return true;
        }

        return false;
    }

    private static bool AnyOverlaps(byte[][] patterns, ReadOnlySpan<byte> pattern)
    {
        foreach (var other in patterns)
        {
            if (NatsSubject.Overlaps(other, pattern)) return true;
        }

        return false;
    }

    private static bool AnyCovers(byte[][] patterns, ReadOnlySpan<byte> subject)
    {
        foreach (var pattern in patterns)
        {
            if (NatsSubject.Covers(pattern, subject)) return true;
        }

        return false;
    }
}
