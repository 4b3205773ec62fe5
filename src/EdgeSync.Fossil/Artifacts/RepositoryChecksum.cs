using System.Buffers.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// The R card: MD5 over every file of a check-in, in the order of F cards: name, space, size in decimal, newline,
/// content. Appended piece by piece, so that no file has to be whole in memory.
/// </summary>
public sealed class RepositoryChecksum
{
    private readonly Md5Hasher _md5 = new();
    private long _expected;

    /// <summary>The checksum of no files.</summary>
    public static ReadOnlySpan<byte> OfNothing => "d41d8cd98f00b204e9800998ecf8427e"u8;

    /// <summary>Begins a file whose <paramref name="size"/> bytes follow by <see cref="Append"/>.</summary>
    public void Begin(ReadOnlySpan<byte> name, long size)
    {
        Invariant.Require(_expected == 0);
        Span<byte> line = stackalloc byte[24];
        line[0] = (byte)' ';
        Utf8Formatter.TryFormat(size, line[1..], out var digits);
        line[digits + 1] = (byte)'\n';
        _md5.Append(name);
        _md5.Append(line[..(digits + 2)]);
        _expected = size;
    }

    public void Append(ReadOnlySpan<byte> content)
    {
        _expected -= content.Length;
        Invariant.Require(_expected >= 0);
        _md5.Append(content);
    }

    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        Begin(name, content.Length);
        Append(content);
    }

    /// <summary>The 32 hex digits; restarts for the next check-in.</summary>
    public byte[] Finish()
    {
        Invariant.Require(_expected == 0);
        var hex = new byte[ArtifactChecksum.HexLength];
        _md5.Finish().WriteHex(hex);
        return hex;
    }
}
