using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// The files of a check-in in order of name: its own F cards, or, for a delta manifest, those of its baseline with the
/// differences applied. No allocation.
/// </summary>
public readonly struct ManifestFiles
{
    private readonly Artifact _manifest;
    private readonly Artifact? _baseline;

    /// <param name="manifest">A check-in.</param>
    /// <param name="baseline">What its B card names; null exactly when it has none.</param>
    public ManifestFiles(Artifact manifest, Artifact? baseline = null)
    {
        Invariant.Require(manifest.Baseline.IsEmpty == (baseline is null));
        (_manifest, _baseline) = (manifest, baseline);
    }

    /// <summary>The file with this decoded name.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out FileCard file)
    {
        file = default;
        var index = _manifest.Files.Find(name);
        if (index >= 0)
        {
            file = _manifest.Files[index];
            return !file.IsDeleted;
        }

        if (_baseline is null || (index = _baseline.Files.Find(name)) < 0) return false;

        file = _baseline.Files[index];
        return true;
    }

    public Enumerator GetEnumerator() => new(_manifest, _baseline);

    /// <summary>Walks two sorted lists at once.</summary>
    public struct Enumerator
    {
        private readonly Artifact _manifest;
        private readonly Artifact? _baseline;
        private int _own;
        private int _based;

        internal Enumerator(Artifact manifest, Artifact? baseline) => (_manifest, _baseline) = (manifest, baseline);

        public FileCard Current { get; private set; }

        public bool MoveNext()
        {
            var baseCount = _baseline?.FileCount ?? 0;
            while (_own < _manifest.FileCount || _based < baseCount)
            {
                var order = _own == _manifest.FileCount ? -1
                    : _based == baseCount ? 1
                    : _baseline!.Files[_based].CompareName(_manifest.Files[_own]);
                if (order < 0)
                {
                    Current = _baseline!.Files[_based++];
                    return true;
                }

                if (order == 0) _based++;
                Current = _manifest.Files[_own++];
                if (!Current.IsDeleted) return true;
            }

            return false;
        }
    }
}

/// <summary>
/// When a check-in is better written as differences to a baseline, and those differences.
/// </summary>
public static class DeltaManifest
{
    /// <summary>
    /// Stock's test: with B file cards in the full form and D cards (files and the B card) in the delta form, the delta
    /// pays if D² &lt; 3·B - 9. Spec: commit_cmd in checkin.c.
    /// </summary>
    public static bool Pays(int fullFileCount, int deltaFileCount)
    {
        var delta = deltaFileCount + 1L;
        return delta * delta < (3L * fullFileCount) - 9;
    }

    /// <summary>
    /// The F cards of the delta form: changed and new files, and deletions of files that only the baseline has.
    /// </summary>
    /// <remarks>
    /// Differs from Fossil: a file that changed only its permission is written too. Stock's writer compares contents
    /// alone, and so loses the change.
    /// </remarks>
    public static List<FileDraft> Difference(Artifact baseline, IReadOnlyList<FileDraft> files)
    {
        Invariant.Require(baseline.Baseline.IsEmpty);
        var result = new List<FileDraft>();
        var index = 0;
        foreach (var file in files)
        {
            var order = -1;
            while (index < baseline.Files.Count &&
                   (order = baseline.Files[index].Name.SequenceCompareTo(file.Name.Span)) < 0)
            {
                result.Add(new FileDraft(baseline.Files[index++].Name.ToArray(), default));
            }

            if (index < baseline.Files.Count && order == 0)
            {
                var based = baseline.Files[index++];
                if (based.Id == file.Id && based.Permission == file.Permission && file.OldName.IsEmpty) continue;
            }

            result.Add(file);
        }

        for (; index < baseline.Files.Count; index++)
            result.Add(new FileDraft(baseline.Files[index].Name.ToArray(), default));
        return result;
    }
}
