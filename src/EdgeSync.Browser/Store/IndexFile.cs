using System.Buffers.Binary;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>
/// The committed rounds, one after the other:
/// <code>
/// | "EdgeSync page 1\n"   | once, at the start of the file
/// | 0 .. 3                | 4 .. 7               | 8 .. 15           | 16 .. 23                  | 24 ..   |
/// | size of the records   | 0                    | contents' end     | SHA1 of the rest, 8 bytes | records |
/// </code>
/// A round that a crash cut off has the wrong checksum: it and what follows is dropped, and contents behind the last
/// whole round's end too. Contents are on the disk before the round that names them is written.
/// </summary>
internal sealed class IndexFile(IStoreFile file)
{
    private const int HeadSize = 24;
    private const int RecordsMax = 1 << 30;

    private long _end;

    private static ReadOnlySpan<byte> Magic => "EdgeSync page 1\n"u8;

    /// <summary>Called with the records of each round.</summary>
    public delegate void RoundReader(ReadOnlySpan<byte> records);

    /// <summary>Reads all whole rounds and cuts off the rest; returns the end of the contents.</summary>
    /// <exception cref="EdgeSyncException">The file is not a store of a page, or of a later version.</exception>
    public long Load(RoundReader read)
    {
        var contentEnd = 0L;
        var length = file.Length;
        _end = 0;
        if (length >= Magic.Length)
        {
            var magic = new byte[Magic.Length];
            file.Read(0, magic);
            if (!Magic.SequenceEqual(magic))
                throw new EdgeSyncException(
                    ErrorKind.Corrupt, "the index of the store is not one that this version reads",
                    "remove the store and clone again");

            _end = Magic.Length;
        }

        var head = new byte[HeadSize];
        while (_end > 0 && length - _end >= HeadSize)
        {
            file.Read(_end, head);
            var size = BinaryPrimitives.ReadInt32LittleEndian(head);
            if (size is <= 0 or > RecordsMax || size > length - _end - HeadSize) break;

            var records = new byte[size];
            file.Read(_end + HeadSize, records);
            if (!Checksum(head, records).AsSpan().SequenceEqual(head.AsSpan(16))) break;

            contentEnd = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(8));
            _end += HeadSize + size;
            read(records);
        }

        if (file.Length > _end) file.Truncate(_end);
        return contentEnd;
    }

    /// <summary>Returns when the round is on the disk.</summary>
    public void Append(ReadOnlySpan<byte> records, long contentEnd)
    {
        var round = new byte[HeadSize + records.Length];
        BinaryPrimitives.WriteInt32LittleEndian(round, records.Length);
        BinaryPrimitives.WriteInt64LittleEndian(round.AsSpan(8), contentEnd);
        records.CopyTo(round.AsSpan(HeadSize));
        Checksum(round, records).CopyTo(round, 16);
        if (_end == 0)
        {
            file.Write(0, Magic);
            _end = Magic.Length;
        }

        file.Write(_end, round);
        file.Flush();
        _end += round.Length;
    }

    private static byte[] Checksum(ReadOnlySpan<byte> head, ReadOnlySpan<byte> records)
    {
        var hasher = new ArtifactHasher(HashKind.Sha1);
        hasher.Append(head[..16]);
        hasher.Append(records);
        Span<byte> hash = stackalloc byte[20];
        hasher.Finish().WriteHash(hash);
        return hash[..8].ToArray();
    }
}
