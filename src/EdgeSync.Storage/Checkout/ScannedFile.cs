using System.Buffers;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// A file or link of a folder that belongs into a check-in. Its content is read on request.
/// </summary>
public sealed class ScannedFile(DiskFolder disk, DiskEntry entry)
{
    private readonly Dictionary<HashKind, ArtifactId> _ids = [];

    public string Name => entry.Name;

    public FilePermission Permission { get; } = entry.Kind == DiskKind.Link ? FilePermission.Symlink
        : entry.IsExecutable ? FilePermission.Executable : FilePermission.Regular;

    public long Size => entry.Size;

    public long ModifiedTicks => entry.ModifiedTicks;

    /// <summary>Set without reading when size and time are unchanged.</summary>
    public ArtifactId? Remembered { get; init; }

    /// <summary>Why it could not be read; null when it could.</summary>
    public string? Fault { get; private set; }

    /// <summary>
    /// Reads the file once for each requested kind of hash; false with a <see cref="Fault"/> when it cannot.
    /// </summary>
    public bool HasContent(ArtifactId id)
    {
        if (Remembered is { } known && known.Kind == id.Kind) return known == id;
        if (Fault is not null) return false;
        if (!_ids.TryGetValue(id.Kind, out var own))
        {
            own = Try(() => Hash(id.Kind));
            _ids[id.Kind] = own;
        }

        return own == id;
    }

    /// <summary>Its content, read now; null with a <see cref="Fault"/> when it cannot be.</summary>
    public Func<ReadOnlyMemory<byte>>? Keep(ContentSpool spool) => Try(() =>
    {
        if (Permission == FilePermission.Symlink) return spool.Keep(disk.ReadLink(Name));

        using var stream = disk.OpenRead(Name);
        return spool.Keep(stream);
    });

    private T? Try<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fault = $"cannot be read: {e.Message}";
            return default;
        }
    }

    private ArtifactId Hash(HashKind kind)
    {
        var hasher = new ArtifactHasher(kind);
        if (Permission == FilePermission.Symlink)
        {
            hasher.Append(disk.ReadLink(Name));
            return hasher.Finish();
        }

        using var stream = disk.OpenRead(Name);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(entry.Size, 512, 64 * 1024));
        try
        {
            for (int read; (read = stream.Read(buffer)) > 0;) hasher.Append(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return hasher.Finish();
    }
}
