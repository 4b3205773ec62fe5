using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A tag or property to be added to an artifact, or cancelled.</summary>
public sealed record TagOptions
{
    /// <summary>The artifact.</summary>
    public required RecordId Target { get; init; }

    /// <summary>
    /// The tag's name; on check-ins it is stored with <c>sym-</c> in front unless <see cref="IsRaw"/>.
    /// </summary>
    public required string Name { get; init; }

    public required string User { get; init; }

    /// <summary>Makes it a property.</summary>
    public string? Value { get; init; }

    /// <summary>Descendants inherit it.</summary>
    public bool Propagates { get; init; }

    /// <summary>The name is the stored one, e.g. <c>closed</c> or <c>bgcolor</c>.</summary>
    public bool IsRaw { get; init; }

    public Instant? Date { get; init; }
}

/// <summary>Changes to how a check-in is displayed. The check-in itself never changes; tags override it.</summary>
public sealed record AmendOptions
{
    public required RecordId Target { get; init; }

    /// <summary>The user of the amendment.</summary>
    public required string User { get; init; }

    public string? Comment { get; init; }

    public string? Author { get; init; }

    public Instant? NewDate { get; init; }

    /// <summary>Between day and time of <see cref="NewDate"/> in the artifact: stock keeps what was typed.</summary>
    public char DateSeparator { get; init; } = 'T';

    /// <summary>Empty removes the colour.</summary>
    public string? Color { get; init; }

    /// <summary>The colour is for descendants too.</summary>
    public bool ColorPropagates { get; init; }

    public IReadOnlyList<string> AddedTags { get; init; } = [];

    public IReadOnlyList<string> CancelledTags { get; init; } = [];

    /// <summary>Moves this check-in and its descendants to a branch of this name.</summary>
    public string? Branch { get; init; }

    public bool Closes { get; init; }

    public bool Hides { get; init; }

    /// <summary>Time of the amendment.</summary>
    public Instant? Date { get; init; }
}
