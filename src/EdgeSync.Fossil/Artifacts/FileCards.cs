namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// The F cards of a text in the order of parsing (by name), in one array that seldom grows.
/// </summary>
internal static class FileCards
{
    // "F x HASH\n"; shorter ones exist in delta manifests, and then the array grows
    private const int CardBytesMin = 44;

    public static FilePermission PermissionOf(ReadOnlySpan<byte> token) =>
        token.Contains((byte)'x') ? FilePermission.Executable
        : token.Contains((byte)'l') ? FilePermission.Symlink
        : FilePermission.Regular;

    public static bool IsAfterLast(Artifact artifact, ReadOnlySpan<byte> name) =>
        artifact.FileCount == 0
        || artifact.TextOf(artifact.FileSlots[artifact.FileCount - 1].Name).SequenceCompareTo(name) < 0;

    /// <param name="rest">The text behind the card; the upper bound of further cards follows from it.</param>
    public static void Add(Artifact artifact, in FileSlot slot, ReadOnlySpan<byte> rest)
    {
        var count = artifact.FileCount;
        if (count == artifact.FileSlots.Length)
        {
            var more = count == 0 ? Math.Min(rest.Count((byte)'\n') + 1, (rest.Length / CardBytesMin) + 16) : count;
            Array.Resize(ref artifact.FileSlots, count + more);
        }

        artifact.FileSlots[count] = slot;
        artifact.FileCount = count + 1;
    }
}
