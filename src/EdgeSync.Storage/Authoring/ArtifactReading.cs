using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>What readers and writers of pages, notes and tickets share.</summary>
internal static class ArtifactReading
{
    /// <exception cref="EdgeSyncException">It does not exist, or is of another kind.</exception>
    public static Artifact Parse(Repository repository, RecordId rid, ArtifactKind kind)
    {
        byte[] text;
        using (var content = repository.Content.Get(rid)) text = content.Span.ToArray();

        return ArtifactParser.TryParse(
            text, out var artifact, new ArtifactParserOptions(repository.Now, SkipsChecksum: true))
            &&
            artifact.Kind == kind
            ? artifact
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"{repository.Content.NameOf(rid).ToShortString()} is not a {kind}");
    }

    /// <summary>The given time, or now, but later than the version before: versions are ordered by time.</summary>
    public static Instant After(Instant? given, Instant? before, Instant now)
    {
        if (given is { } date) return date;
        return before is { } last && last >= now ? Instant.FromUnixMilliseconds(last.UnixMilliseconds + 1) : now;
    }

    /// <summary>Texts of artifacts end at the first NUL byte for every reader, so none may be written.</summary>
    public static void RequireText(ReadOnlySpan<byte> body)
    {
        if (body.Contains((byte)0))
            throw new EdgeSyncException(ErrorKind.Usage, "the text contains a NUL byte", "attach it as a file");
    }
}
