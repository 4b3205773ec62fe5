using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>The subjects that one side of a link allows in one direction. Loop marks always pass.</summary>
// Spec: leafnode permissions: $LDS is exempt.
internal sealed class LeafRules
{
    private readonly SubjectPermissions[] _all;

    private LeafRules(SubjectPermissions[] all) => _all = all;

    public static LeafRules Everything { get; } = new([]);

    public static LeafRules Of(SubjectPermissions? permissions, IReadOnlyList<string> denied)
    {
        var all = new List<SubjectPermissions>();
        if (permissions is not null) all.Add(permissions);
        if (denied.Count > 0) all.Add(new SubjectPermissions(null, denied));
        return all.Count == 0 ? Everything : new LeafRules([.. all]);
    }

    /// <summary>As INFO lists them; an empty allow list allows everything.</summary>
    public static LeafRules Of(SubjectPermission? told, IReadOnlyList<string> denied) =>
        Of(told is null ? null : new SubjectPermissions(told.Allow.Count == 0 ? null : told.Allow, told.Deny), denied);

    /// <summary>
    /// As INFO lists them. A list that allows nothing would be read as everything, so it is written as deny all; loop
    /// marks are listed where the other side would block them.
    /// </summary>
    public static SubjectPermission? AsLeafPermission(SubjectPermissions? permissions, bool withLoopMarks) =>
        permissions switch
        {
            null or { Allow: null, Deny.Count: 0 } => null,
            { Allow: { Count: 0 } } => new SubjectPermission { Deny = [">"] },
            { Allow: { } allow } =>
                new SubjectPermission { Allow = withLoopMarks ? [.. allow, "$LDS.>"] : allow, Deny = permissions.Deny },
            _ => new SubjectPermission { Deny = permissions.Deny },
        };

    public bool Allows(ReadOnlySpan<byte> subject)
    {
        foreach (var permissions in _all)
            if (!permissions.AllowsMessage(subject)) return LoopMark.Is(subject);
        return true;
    }

    /// <summary>
    /// Whether interest in the pattern is useful; matches outside of the allowed subjects are blocked message by
    /// message.
    /// </summary>
    public bool AllowsSomeOf(ReadOnlySpan<byte> pattern)
    {
        if (_all.Length == 0) return true;
        if (!NatsSubject.HasWildcard(pattern)) return Allows(pattern);

        foreach (var permissions in _all)
            if (!permissions.AllowsSomeOf(pattern)) return LoopMark.Is(pattern);
        return true;
    }
}
