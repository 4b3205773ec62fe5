using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>Collects igot cards, so that a store looks them up many at a time.</summary>
internal sealed class AnnouncementBuffer
{
    private const int CountMax = 2048;

    private readonly ArtifactId[] _ids = new ArtifactId[CountMax];
    private readonly bool[] _isPrivate = new bool[CountMax];
    private readonly ArtifactEntry[] _entries = new ArtifactEntry[CountMax];
    private readonly List<ArtifactId> _newPublic = [];
    private readonly List<ArtifactId> _newPrivate = [];
    private int _count;

    public bool IsEmpty => _count == 0;

    public bool IsFull => _count == CountMax;

    /// <summary>Phantoms made so far by <see cref="Apply"/>.</summary>
    public int PhantomsAdded { get; private set; }

    /// <summary>Names added so far.</summary>
    public int Count { get; private set; }

    /// <summary>Names that would have become phantoms but for <c>phantomsMax</c>, or were not looked up.</summary>
    public int LeftOut { get; private set; }

    public void Add(in IGotCard igot)
    {
        _ids[_count] = igot.Id;
        _isPrivate[_count] = igot.IsPrivate;
        _count++;
        Count++;
    }

    /// <summary>One more name than is looked up.</summary>
    public void LeaveOut() => LeftOut++;

    public void Clear() => _count = 0;

    /// <summary>
    /// Records what the peer has; moves artifacts that we have to the side (public, private) that the peer announces;
    /// makes phantoms of missing ones, up to a number. Returns whether the store changed. Spec: xfer.c, igot on both
    /// sides.
    /// </summary>
    public bool Apply(IArtifactStore store, HashSet<RecordId> remoteHas, bool acceptPrivate, int phantomsMax)
    {
        var ids = _ids.AsSpan(0, _count);
        var changed = false;
        store.Lookup(ids, _entries.AsSpan(0, _count));
        for (var i = 0; i < _count; i++)
        {
            var entry = _entries[i];
            if (entry.IsShunned) continue;
            if (entry.IsKnown)
            {
                remoteHas.Add(entry.Rid);
                if (entry.IsPrivate == _isPrivate[i]) continue;

                store.SetPrivate(entry.Rid, _isPrivate[i]);
                changed = true;
            }
            else if (!_isPrivate[i]) _newPublic.Add(ids[i]);
            else if (acceptPrivate) _newPrivate.Add(ids[i]);
        }

        _count = 0;
        if (phantomsMax > 0)
        {
            Bound(_newPrivate, phantomsMax);
            Bound(_newPublic, phantomsMax - _newPrivate.Count);
            changed |= AddPhantoms(store, remoteHas, _newPublic, isPrivate: false);
            changed |= AddPhantoms(store, remoteHas, _newPrivate, isPrivate: true);
        }
        else LeftOut += _newPublic.Count + _newPrivate.Count;

        _newPublic.Clear();
        _newPrivate.Clear();
        return changed;
    }

    private void Bound(List<ArtifactId> ids, int countMax)
    {
        if (ids.Count <= countMax) return;

        LeftOut += ids.Count - countMax;
        ids.RemoveRange(countMax, ids.Count - countMax);
    }

    private bool AddPhantoms(IArtifactStore store, HashSet<RecordId> remoteHas, List<ArtifactId> ids, bool isPrivate)
    {
        if (ids.Count == 0) return false;

        var fresh = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids);
        store.AddPhantoms(fresh, isPrivate);
        var entries = _entries.AsSpan(0, fresh.Length);
        store.Lookup(fresh, entries);
        foreach (var entry in entries)
            if (entry.IsKnown)
                remoteHas.Add(entry.Rid);
        PhantomsAdded += fresh.Length;
        return true;
    }
}
