namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>A link as the interest table and the router see it.</summary>
internal interface ILeafLink
{
    /// <summary>The other side is our hub on this link: it hears nothing that another hub told us.</summary>
    bool IsToHub { get; }

    /// <summary>The other side asked not to hear what other leaves want.</summary>
    bool IsIsolated { get; }

    /// <summary>The cluster that the other side belongs to; empty when it named none.</summary>
    byte[] Cluster { get; }

    /// <summary>
    /// The number of members that want a key, as far as this link may see, changed. Never called with equal numbers.
    /// </summary>
    void AnnounceInterest(ReadOnlySpan<byte> key, int before, int now);
}

internal static class LeafLinkRules
{
    /// <summary>Whether what comes from one link may go out on another: interest as well as messages.</summary>
    // Spec: leafnode interest propagation: hub and spoke, origin cluster.
    public static bool MayPass(ILeafLink source, ILeafLink target)
    {
        if (ReferenceEquals(source, target)) return false;
        if (source.IsToHub) return !target.IsToHub;

        return target.IsToHub || source.Cluster.Length == 0 || !source.Cluster.AsSpan().SequenceEqual(target.Cluster);
    }

    /// <summary>
    /// Interest is held back from an isolated leaf, messages are not: they only go where interest came from.
    /// </summary>
    public static bool MayAnnounce(ILeafLink source, ILeafLink target) =>
        MayPass(source, target) && (!target.IsIsolated || source.IsToHub);
}
