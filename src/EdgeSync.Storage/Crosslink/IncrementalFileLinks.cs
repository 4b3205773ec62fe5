using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink.Rebuild;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Compares each check-in with its parents as soon as it arrives, and again when a missing parent arrives. File lists
/// are kept for a while, since the next check-in is usually the child of a recent one.
/// </summary>
internal sealed class IncrementalFileLinks : IFileLinks
{
    private const int KeptMax = 64;

    private readonly LinkContext _context;
    private readonly TimeAdjustment _times;
    private readonly Dictionary<long, CheckInFiles?> _kept = [];
    private readonly Queue<long> _keptOrder = [];
    private NameTable _names = new();
    private CheckInReader? _reader;
    private FileLinkTable? _table;
    private RecordId _child;
    private WholeFiles _childFiles;

    public IncrementalFileLinks(LinkContext context, TimeAdjustment times) => (_context, _times) = (context, times);

    /// <summary>Called when an older file or manifest may be stored as a delta of a newer one.</summary>
    public Action<RecordId, RecordId>? Supersedes { get; set; }

    /// <summary>Drops all state, at the start of a batch.</summary>
    public void Clear()
    {
        _kept.Clear();
        _keptOrder.Clear();
        _names = new NameTable();
        _table = null;
        _reader = null;
    }

    public void Add(RecordId record, CheckInFiles files, ParentLinks links)
    {
        if (Whole(files) is not { } child) return;

        (_child, _childFiles) = (record, child);
        Table.Write(record, child, links, other => FindParent(other) is { } found ? Whole(found) : null);
    }

    /// <summary>
    /// Parses any artifact. A check-in comes with its files, read by what differs from the one read before, and without
    /// most of its F cards.
    /// </summary>
    public bool TryParse(RecordId record, ReadOnlyMemory<byte> text, out Artifact artifact, out CheckInFiles? files)
    {
        artifact = null!;
        files = null;
        if (!ArtifactParser.MayBeArtifact(text.Span)) return false;

        _reader ??= new CheckInReader(_names, _context.Now());
        if (CheckInReader.HasRightZCard(text.Span))
        {
            if (!_reader.TryRead(text, out artifact, out files)) return false;
        }
        else
        {
            // Clear-signed: the Z card precedes the signature.
            if (!ArtifactParser.TryParse(text, out artifact, new ArtifactParserOptions(_context.Now()))) return false;
            if (artifact.Kind == ArtifactKind.CheckIn) files = CheckInFiles.From(artifact, _names);
        }

        if (files is not null) Keep(record, files);
        return true;
    }

    /// <summary>The files of a check-in; null if the record is not a readable check-in.</summary>
    public CheckInFiles? Find(RecordId record)
    {
        if (record.IsNone) return null;
        if (_kept.TryGetValue(record.Value, out var known)) return known;

        // A negative result is not cached: the content may arrive within this batch.
        return _context.Store.TryRead(record, out var text) && TryParse(record, text, out _, out var files)
            ? files
            : null;
    }

    public CheckInFiles? FindParent(RecordId record)
    {
        if (Find(record) is { } files) return files;
        if (record.IsNone || !_context.Store.TryRead(record, out var text)
            || !TryParse(record, text, out var artifact, out _))
            return null;
        return CheckInFiles.Of(artifact.JulianDay);
    }

    private FileLinkTable Table => _table ??= new FileLinkTable(_context, _names)
    {
        Compared = OnCompared,
        Replaced = (older, newer) => Supersedes?.Invoke(older, newer),
    };

    private WholeFiles? Whole(CheckInFiles files)
    {
        if (!files.IsDelta) return new WholeFiles(files, null);
        return Find(_context.Store.Find(files.Baseline)) is { } baseline ? new WholeFiles(files, baseline.Own) : null;
    }

    private void OnCompared(RecordId parent, WholeFiles parentFiles, bool hasRows)
    {
        _times.Offer(parent, parentFiles.CheckIn.JulianDay, _child, _childFiles.CheckIn.JulianDay);
        if (parentFiles.IsDelta == _childFiles.IsDelta) Supersedes?.Invoke(parent, _child);
        else if (parentFiles.IsDelta) Supersedes?.Invoke(_context.Store.Find(parentFiles.CheckIn.Baseline), _child);
    }

    private void Keep(RecordId record, CheckInFiles files)
    {
        if (!_kept.TryAdd(record.Value, files)) return;
        _keptOrder.Enqueue(record.Value);
        if (_keptOrder.Count > KeptMax) _kept.Remove(_keptOrder.Dequeue());
    }
}
