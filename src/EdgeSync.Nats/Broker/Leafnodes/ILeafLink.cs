namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>A link as the interest table and the router use it.</summary>
internal interface ILeafLink
{
    /// <summary>The other side is our hub on this link: interest of another hub is not announced to it.</summary>
    bool IsToHub { get; }

    /// <summary>The other side requested not to receive the interest of other leaves.</summary>
    bool IsIsolated { get; }

    /// <summary>The cluster of the other side; empty when it sent none.</summary>
    byte[] Cluster { get; }

    /// <summary>
    /// The number of members with interest in a key, as far as this link may receive it, changed. Never called with
    /// equal numbers.
    /// </summary>
    void AnnounceInterest(ReadOnlySpan<byte> key, int before, int now);
}

internal static class LeafLinkRules
{
    /// <summary>Whether interest and messages of one link may be sent on another.</summary>
    // Spec: leafnode interest propagation: hub and spoke, origin cluster.
    public static bool MayPass(ILeafLink source, ILeafLink target)
    {
        if (ReferenceEquals(source, target)) return false;
        if (source.IsToHub) return !target.IsToHub;

        return target.IsToHub || source.Cluster.Length == 0 || !source.Cluster.AsSpan().SequenceEqual(target.Cluster);
    }

    /// <summary>
    /// Interest is not announced to an isolated leaf, messages are sent: they only follow interest.
    /// </summary>
    public static bool MayAnnounce(ILeafLink source, ILeafLink target) =>
        MayPass(source, target) && (!target.IsIsolated || source.IsToHub);
}
