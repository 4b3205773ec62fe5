using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>The server's side of unversioned files. Spec: xfer.c, unversioned.c.</summary>
internal sealed class ServerUnversioned(IArtifactStore store, ServerOptions options, Instant now)
{
    // A time far in the future would win over every later version.
    private static readonly TimeSpan ClockSkewMax = TimeSpan.FromDays(1);

    private readonly IUnversionedStore _files = store.Unversioned;
    private bool _catalogSent;

    /// <summary>
    /// The client's catalogue hash: if ours differs, sends what the client may do and lists everything.
    /// </summary>
    public void Compare(ArtifactId clientHash, bool mayWrite, XferWriter writer)
    {
        if (_catalogSent) return;

        _catalogSent = true;
        var isSame = ArtifactId.TryParse(_files.CatalogHash, out var ours) && ours == clientHash;
        if (isSame && !options.Faults.At(FaultSite.ServerCatalogHashCorrupt)) return;

        writer.Pragma(mayWrite ? "uv-push-ok"u8 : "uv-pull-only"u8);
        SendCatalog(writer);
    }

    /// <summary>Spec: with setting uv-sync a clone reply announces the files at once.</summary>
    public void SendCatalogInClone(XferWriter writer)
    {
        if (_catalogSent) return;

        _catalogSent = true;
        writer.Pragma("uv-pull-only"u8);
        SendCatalog(writer);
    }

    /// <summary>
    /// Replies to uvgimme. A reply that is full sends uvigot instead, so that the client requests the file again.
    /// </summary>
    public void Send(string name, XferWriter writer, long replyBytesMax)
    {
        if (!_files.TryFind(name, out var entry) || options.Faults.At(FaultSite.ServerUvGimmeSkip)) return;

        if (writer.BytesWritten >= replyBytesMax) writer.UvIGot(name, entry.MtimeSeconds, entry.Hash, entry.Size);
        else if (entry.IsDeletion) writer.UvFile(name, entry.MtimeSeconds, default, default);
        else if (_files.TryRead(name, out var content)) writer.UvFile(name, entry.MtimeSeconds, entry.Hash, content);
    }

    /// <summary>
    /// Stores a file or deletion if it wins over ours. False: the content does not match the hash. Without the
    /// capability it is dropped; uv-pull-only has announced that to the client.
    /// </summary>
    public bool TryReceive(in UvFileCard file, ReadOnlySpan<byte> content, bool mayWrite, out bool changed)
    {
        changed = false;
        var hasContent = file.HasContent && !file.Hash.IsEmpty;
        if (hasContent && !ArtifactHash.Matches(file.Hash, content)) return false;
        if (!mayWrite || options.Faults.At(FaultSite.ServerUvFileDrop)) return true;
        if (file.MtimeSeconds > (now + ClockSkewMax).UnixSeconds) return true;

        switch (UnversionedRules.Compare(_files, file.Name, file.MtimeSeconds, file.Hash))
        {
            case UnversionedStatus.PullTime:
                _files.Touch(file.Name, file.MtimeSeconds);
                break;

            case UnversionedStatus.Absent or UnversionedStatus.Pull when file.Hash.IsEmpty:
                // Differs from Fossil, which drops the deletion of a file that it never had, so that an older copy from
                // a third side would bring the file back.
                _files.Delete(file.Name, file.MtimeSeconds);
                break;

            case UnversionedStatus.Absent or UnversionedStatus.Pull when hasContent:
                _files.Put(new UnversionedEntry(file.Name, file.MtimeSeconds, file.Hash, content.Length), content);
                break;

            default:
                return true;
        }

        changed = true;
        return true;
    }

    private void SendCatalog(XferWriter writer)
    {
        foreach (var entry in _files.List()) writer.UvIGot(entry.Name, entry.MtimeSeconds, entry.Hash, entry.Size);
    }
}
