using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>How a local unversioned file compares with the peer's. Spec: unversioned.c unversioned_status.</summary>
internal enum UnversionedStatus
{
    /// <summary>No local row.</summary>
    Absent = 0,

    /// <summary>The peer's content wins.</summary>
    Pull = 1,

    /// <summary>Same content, the peer's time is newer.</summary>
    PullTime = 2,

    Same = 3,

    /// <summary>Same content, the local time is newer.</summary>
    PushTime = 4,

    /// <summary>The local content wins.</summary>
    Push = 5,
}

internal static class UnversionedRules
{
    public static UnversionedStatus Compare(
        IUnversionedStore store, string name, long remoteMtime, ArtifactId remoteHash)
    {
        if (!store.TryFind(name, out var local)) return UnversionedStatus.Absent;

        var time = local.MtimeSeconds.CompareTo(remoteMtime);
        if (local.Hash == remoteHash) return (UnversionedStatus)(3 + time);

        return time < 0 || (time == 0 && CompareText(local.Hash, remoteHash) < 0)
            ? UnversionedStatus.Pull
            : UnversionedStatus.Push;
    }

    // As texts: a deletion is "-", which sorts below every digit; a prefix sorts below the longer name.
    private static int CompareText(ArtifactId left, ArtifactId right) =>
        string.CompareOrdinal(left.IsEmpty ? "-" : left.ToString(), right.IsEmpty ? "-" : right.ToString());
}
