using System.Buffers.Binary;
using System.IO.Compression;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Archives;

/// <summary>
/// A ZIP archive with the headers that stock writes. The class library has a writer too, but none of the fields in
/// which a file's time is kept in UTC, so that its archives are unpacked with other times in other time zones.
/// </summary>
// Spec: zip_add_file_to_zip in zip.c; APPNOTE.TXT 4.3; the "UT" field of Info-ZIP.
public sealed class ZipArchiveFile(Stream target, ArchiveTime time) : IArchiveWriter
{
    private const int HeaderBytes = 30, EntryBytes = 46, EndBytes = 22, LocalTimeBytes = 13, EntryTimeBytes = 9;

    private readonly MemoryStream _contents = new();
    private long _written;
    private int _count;

    public void AddFolder(ReadOnlySpan<byte> name) => Add([.. name, (byte)'/'], 0x41ed, default, isFolder: true);

    public void AddFile(ReadOnlySpan<byte> name, FilePermission permission, ReadOnlySpan<byte> content) => Add(
        name,
        permission switch
        {
            FilePermission.Symlink => 0xa1ed,
            FilePermission.Executable => 0x81ed,
            _ => 0x81a4,
        },
        content, isFolder: false);

    /// <exception cref="EdgeSyncException">The archive has grown beyond what the format can count.</exception>
    public void Finish()
    {
        Span<byte> end = stackalloc byte[EndBytes];
        end.Clear();
        Put32(end, 0x06054b50);
        Put16(end[8..], _count);
        Put16(end[10..], _count);
        Put32(end[12..], _contents.Length);
        Put32(end[16..], _written);
        if (_written > uint.MaxValue || _count > ushort.MaxValue)
        {
            throw new EdgeSyncException(
                ErrorKind.System, "the check-in has more than a ZIP archive can hold",
                "edgesync repo tarball VERSION PATH");
        }

        target.Write(_contents.GetBuffer().AsSpan(0, (int)_contents.Length));
        target.Write(end);
    }

    public void Dispose() => _contents.Dispose();

    private void Add(ReadOnlySpan<byte> name, int mode, ReadOnlySpan<byte> content, bool isFolder)
    {
        var packed = content.IsEmpty ? [] : Pack(content);
        var method = isFolder || content.IsEmpty ? 0 : 8;
        var checksum = Crc32.Of(content);

        Span<byte> header = stackalloc byte[HeaderBytes];
        header.Clear();
        Put32(header, 0x04034b50);
        Put16(header[4..], 10);
        Put16(header[6..], 0x0800);
        Put16(header[8..], method);
        Put16(header[10..], time.DosTime);
        Put16(header[12..], time.DosDate);
        Put32(header[14..], checksum);
        Put32(header[18..], packed.Length);
        Put32(header[22..], content.Length);
        Put16(header[26..], name.Length);
        Put16(header[28..], LocalTimeBytes);

        Span<byte> times = stackalloc byte[LocalTimeBytes];
        Put16(times, 0x5455);
        Put16(times[2..], LocalTimeBytes - 4);
        times[4] = 3;
        Put32(times[5..], time.UnixSeconds);
        Put32(times[9..], time.UnixSeconds);

        var at = _written;
        Write(header);
        Write(name);
        Write(times);
        Write(packed);
        Note(name, mode, header, times, at);
    }

    // The list at the end has the same fields in another order.
    private void Note(ReadOnlySpan<byte> name, int mode, ReadOnlySpan<byte> header, Span<byte> times, long at)
    {
        Span<byte> entry = stackalloc byte[EntryBytes];
        entry.Clear();
        Put32(entry, 0x02014b50);
        Put16(entry[4..], 0x0317);
        header[4..28].CopyTo(entry[6..]);
        Put16(entry[30..], EntryTimeBytes);
        Put32(entry[38..], (long)mode << 16);
        Put32(entry[42..], at);
        Put16(times[2..], EntryTimeBytes - 4);
        _contents.Write(entry);
        _contents.Write(name);
        _contents.Write(times[..EntryTimeBytes]);
        _count++;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        target.Write(bytes);
        _written += bytes.Length;
    }

    private static byte[] Pack(ReadOnlySpan<byte> content)
    {
        using var packed = new MemoryStream();
        using (var deflater = new DeflateStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            deflater.Write(content);
        return packed.ToArray();
    }

    private static void Put16(Span<byte> field, int value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(field, (ushort)value);

    private static void Put32(Span<byte> field, long value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(field, (uint)value);
}

/// <summary>The time of all entries of an archive.</summary>
/// <param name="UnixSeconds">Seconds since 1970.</param>
/// <param name="DosTime">Hours, minutes and half seconds.</param>
/// <param name="DosDate">Years since 1980, months and days.</param>
public readonly record struct ArchiveTime(long UnixSeconds, int DosTime, int DosDate)
{
    public static ArchiveTime Of(Instant instant)
    {
        // Spec: zip_set_timedate in zip.c. Stock counts seconds from the Julian day as a number, and cuts the rest off.
        var seconds = (long)((instant.JulianDay - 2440587.5) * 86400.0);
        var date = instant.ToDateTime();
        return new ArchiveTime(
            seconds, (date.Hour << 11) + (date.Minute << 5) + (date.Second >> 1),
            ((date.Year - 1980) << 9) + (date.Month << 5) + date.Day);
    }
}
