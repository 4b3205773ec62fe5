using System.Runtime.InteropServices;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>How to parse.</summary>
/// <param name="Now">What the date <c>now</c> means; null rejects it.</param>
/// <param name="SkipsChecksum">
/// True: the MD5 of the Z card is not computed. The caller then compares <see cref="Artifact.ChecksummedText"/> with
/// <see cref="Artifact.ZCard"/> itself (in a batch, on other cores) before it uses the artifact.
/// </param>
public readonly record struct ArtifactParserOptions(Instant? Now = null, bool SkipsChecksum = false);

/// <summary>
/// Recognizes artifacts: accepts what stock's parser accepts and rejects what it rejects, since an artifact that only
/// one of the two reads would split their histories. Any bytes may be given; nothing throws.
/// </summary>
/// <remarks>
/// Spec: manifest_parse in manifest.c (2.21), and <c>fossil test-parse-manifest</c> as the oracle of the tests.
/// </remarks>
public static class ArtifactParser
{
    /// <summary>Larger texts are files. Stock has no limit; the largest manifests known are a few MB.</summary>
    public const int SizeMax = 256 << 20;

    /// <summary>
    /// Cheap test before parsing: could this be an artifact? Ordinary files fail at their first bytes.
    /// </summary>
    public static bool MayBeArtifact(ReadOnlySpan<byte> text) =>
        text.Length >= 10 && text[^1] == '\n' &&
        ((text[0] is >= (byte)'A' and <= (byte)'Z' && text[1] == ' ') || text.StartsWith("-----BEGIN "u8));

    /// <summary>Parses; the artifact keeps the memory, which must not change afterwards.</summary>
    public static bool TryParse(
        ReadOnlyMemory<byte> text,
        out Artifact artifact,
        out ArtifactFault fault,
        ArtifactParserOptions options = default)
    {
        if (!MemoryMarshal.TryGetArray(text, out var segment)) segment = text.ToArray();
        if (segment.Array is null) segment = new ArraySegment<byte>([]);

        artifact = new Artifact(segment.Array!, segment.Offset, segment.Count);
        var run = new ArtifactParse(artifact, text.Span, segment.Offset, options);
        return run.TryRun(out fault);
    }

    /// <inheritdoc cref="TryParse(ReadOnlyMemory{byte}, out Artifact, out ArtifactFault, ArtifactParserOptions)"/>
    public static bool TryParse(
        ReadOnlyMemory<byte> text, out Artifact artifact, ArtifactParserOptions options = default) =>
        TryParse(text, out artifact, out _, options);

    /// <summary>
    /// Compares the Z card with the text: the check that <see cref="ArtifactParserOptions.SkipsChecksum"/> leaves to
    /// the caller.
    /// </summary>
    public static bool HasRightChecksum(Artifact artifact) =>
        artifact.ZCard.IsEmpty || ArtifactChecksum.Matches(artifact.ChecksummedText, artifact.ZCard);
}
