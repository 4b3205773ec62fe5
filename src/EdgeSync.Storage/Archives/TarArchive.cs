using System.Globalization;
using System.IO.Compression;
using System.Text;
using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Storage.Archives;

/// <summary>
/// A tar file through gzip: ustar headers, and a pax header before a name that is long or not ASCII. The class library
/// has a writer too, but it takes names as text only; here any bytes of a name arrive as they are.
/// </summary>
// Spec: tar.c; POSIX.1-2008, pax.
public sealed class TarArchive : IArchiveWriter
{
    private const int BlockBytes = 512, NameBytes = 100, PrefixBytes = 155, LinkBytes = 100;

    private readonly GZipStream _target;
    private readonly long _mtimeSeconds;

    /// <param name="target">Where it is written; the caller disposes it.</param>
    /// <param name="mtimeSeconds">The time of all entries.</param>
    public TarArchive(Stream target, long mtimeSeconds)
    {
        _target = new GZipStream(target, CompressionLevel.SmallestSize, leaveOpen: true);
        _mtimeSeconds = mtimeSeconds;
    }

    public void AddFolder(ReadOnlySpan<byte> name) => AddHeader(name, 0x1ed, 0, (byte)'5', default);

    public void AddFile(ReadOnlySpan<byte> name, FilePermission permission, ReadOnlySpan<byte> content)
    {
        // A longer target does not fit into the header: then the file holds it.
        if (permission == FilePermission.Symlink && content.Length <= LinkBytes)
        {
            AddHeader(name, 0x1a4, 0, (byte)'2', content);
            return;
        }

        AddHeader(name, permission == FilePermission.Executable ? 0x1ed : 0x1a4, content.Length, (byte)'0', default);
        WritePadded(content);
    }

    public void Finish()
    {
        _target.Write(new byte[2 * BlockBytes]);
        _target.Dispose();
    }

    public void Dispose() => _target.Dispose();

    private void AddHeader(ReadOnlySpan<byte> name, int mode, int size, byte type, ReadOnlySpan<byte> link)
    {
        Span<byte> header = stackalloc byte[BlockBytes];
        header.Clear();
        var split = SplitOf(name);
        if (name.IndexOfAnyExceptInRange((byte)0, (byte)0x7e) >= 0 || name.Length - split > NameBytes
            || split > PrefixBytes + 1)
            AddPaxHeader(name, mode);

        Fill(header, name, mode, size, link);
        Seal(header, type);
        _target.Write(header);
    }

    private void AddPaxHeader(ReadOnlySpan<byte> name, int mode)
    {
        Span<byte> header = stackalloc byte[BlockBytes];
        header.Clear();
        byte[] record = [.. " path="u8, .. name, (byte)'\n'];

        // The length counts its own digits.
        var length = record.Length;
        while (length != record.Length + Digits(length)) length = record.Length + Digits(length);
        byte[] text = [.. Encoding.ASCII.GetBytes(length.ToString(CultureInfo.InvariantCulture)), .. record];
        Fill(header, [.. "PaxHeader/"u8, .. name], mode, text.Length, default);
        Seal(header, (byte)'x');
        _target.Write(header);
        WritePadded(text);

        static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;
    }

    private void Fill(Span<byte> header, ReadOnlySpan<byte> name, int mode, int size, ReadOnlySpan<byte> link)
    {
        var split = SplitOf(name);
        Put(header[..NameBytes], name[split..]);
        Octal(header[100..108], mode);
        Octal(header[108..116], 0);
        Octal(header[116..124], 0);
        Octal(header[124..136], size);
        Octal(header[136..148], _mtimeSeconds);
        Put(header[157..257], link);
        "ustar\000"u8.CopyTo(header[257..]);
        header[263] = header[264] = (byte)'0';
        "nobody"u8.CopyTo(header[265..]);
        "nobody"u8.CopyTo(header[297..]);
        Put(header[345..(345 + PrefixBytes)], name[..Math.Max(0, split - 1)]);
    }

    // Where a long name is cut at a slash: its end fits, if any cut makes it fit.
    private static int SplitOf(ReadOnlySpan<byte> name)
    {
        var split = 0;
        if (name.Length <= NameBytes) return split;

        for (var i = 1; i + 1 < name.Length; i++)
        {
            if (name[i] != (byte)'/') continue;

            split = i + 1;
            if (name.Length - split <= NameBytes) break;
        }

        return split;
    }

    private static void Put(Span<byte> field, ReadOnlySpan<byte> text) =>
        text[..Math.Min(text.Length, field.Length)].CopyTo(field);

    // Digits, and a NUL behind them.
    private static void Octal(Span<byte> field, long number)
    {
        for (var i = field.Length - 2; i >= 0; i--, number >>= 3) field[i] = (byte)('0' + (number & 7));
    }

    private static void Seal(Span<byte> header, byte type)
    {
        header[156] = type;
        header[148..156].Fill((byte)' ');
        var sum = 0;
        foreach (var octet in header) sum += octet;
        Octal(header[148..156], sum);
        header[155] = 0;
    }

    private void WritePadded(ReadOnlySpan<byte> content)
    {
        _target.Write(content);
        if (content.Length % BlockBytes is var rest and not 0) _target.Write(new byte[BlockBytes - rest]);
    }
}
