namespace EdgeSync.Can.Assets;

/// <summary>What users say about an asset. All but the MIME type can be changed later.</summary>
public sealed record AssetDetails
{
    /// <summary>Of a name, a path, an application or a user, in characters.</summary>
    public const int NameLengthMax = 1024;

    /// <summary>Of a description, in characters.</summary>
    public const int DescriptionLengthMax = 64 * 1024;

    public string MimeType { get; init; } = MimeTypes.Unknown;

    public string? Application { get; init; }

    public string? User { get; init; }

    public string? Description { get; init; }

    /// <summary>A logical name, such as <c>report.pdf</c>; never a path on the disk.</summary>
    public string? HumanFileName { get; init; }

    /// <summary>A logical folder, such as <c>/docs/reports/</c>.</summary>
    public string? HumanPath { get; init; }

    /// <summary>In stored order, each once.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>What is wrong with it; null when it can be stored.</summary>
    public string? Fault()
    {
        if (!MimeTypes.IsWellFormed(MimeType)) return "mime_type is not of the form type/subtype";
        if (Tags.Count > TagList.CountMax) return $"more than {TagList.CountMax} tags";
        if (Tags.Any(t => t.Length > TagList.LengthMax)) return $"a tag is longer than {TagList.LengthMax} characters";
        if (Description?.Length > DescriptionLengthMax)
            return $"description is longer than {DescriptionLengthMax} characters";

        foreach (var (name, value) in Names())
            if (value?.Length > NameLengthMax) return $"{name} is longer than {NameLengthMax} characters";
        return null;
    }

    private IEnumerable<(string Name, string? Value)> Names() =>
    [
        ("application", Application), ("user", User), ("human_file_name", HumanFileName),
        ("human_readable_path", HumanPath),
    ];
}

/// <summary>An asset as the index knows it.</summary>
public sealed record Asset
{
    /// <summary>Of the index, in order of arrival; 0 before it is stored.</summary>
    public long Id { get; init; }

    public required AssetHash Hash { get; init; }

    /// <summary>Unix milliseconds of its creation.</summary>
    public required long TimestampMs { get; init; }

    public required long Size { get; init; }

    /// <summary>The name of its file, in the storage folder or its trash.</summary>
    public required string FileName { get; init; }

    public required AssetDetails Details { get; init; }

    public bool IsTrashed { get; init; }

    /// <summary>Its file is missing, or has other content.</summary>
    public bool IsCorrupted { get; init; }

    /// <summary>Unix milliseconds of the last change of details or trash state; the later one wins.</summary>
    public required long MetaUpdatedAtMs { get; init; }

    /// <summary>The number of its last change in this store.</summary>
    public long ChangeNumber { get; init; }

    /// <summary>The number of its arrival.</summary>
    public long ArrivalNumber { get; init; }
}
