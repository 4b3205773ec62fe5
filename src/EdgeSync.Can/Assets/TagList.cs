namespace EdgeSync.Can.Assets;

/// <summary>Tags as users write them: separated by commas, blanks around them cut off, each once.</summary>
public static class TagList
{
    /// <summary>Of one asset.</summary>
    public const int CountMax = 100;

    /// <summary>Of one tag, in characters.</summary>
    public const int LengthMax = 200;

    /// <summary>In the order of the text.</summary>
    public static IReadOnlyList<string> Parse(string? text) =>
        text is null ? [] : Normalize(text.Split(','));

    /// <summary>Without empty ones and repetitions; a comma in a tag separates two.</summary>
    public static IReadOnlyList<string> Normalize(IEnumerable<string> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return [.. tags.SelectMany(t => t.Split(','))
            .Select(t => t.Trim()).Where(t => t.Length > 0 && seen.Add(t))];
    }

    /// <summary>As it is written into attributes.</summary>
    public static string Join(IReadOnlyList<string> tags) => string.Join(',', tags);
}
