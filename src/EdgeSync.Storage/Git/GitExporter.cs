using System.Globalization;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Git;

/// <summary>How check-ins become a stream for git.</summary>
public sealed record GitExportOptions
{
    /// <summary>What the main branch is called there.</summary>
    public string TrunkName { get; init; } = "trunk";

    /// <summary>Marks of an earlier run, whose check-ins are left out; null for none.</summary>
    public string? MarksToRead { get; init; }

    /// <summary>Where the marks of this run and the earlier one go; null for nowhere.</summary>
    public string? MarksToWrite { get; init; }
}

/// <summary>What an export has written.</summary>
public sealed record GitExportResult(long Blobs, long Checkins, long Tags);

/// <summary>
/// Writes all check-ins in the format of <c>git fast-import</c>: the commits that git makes of it are those that it
/// makes of stock's export.
/// </summary>
// Spec: export_cmd in export.c; git-fast-import(1).
public sealed class GitExporter
{
    private readonly Repository _repository;
    private readonly GitExportOptions _options;
    private readonly GitMarks _marks = new();
    private readonly GitContacts _contacts;
    private readonly Stream _target;
    private long _blobs, _checkins, _tags;

    private GitExporter(Repository repository, Stream target, GitExportOptions options)
    {
        (_repository, _target, _options) = (repository, target, options);
        _contacts = new GitContacts(repository);
    }

    public static GitExportResult Run(
        Repository repository, Stream target, GitExportOptions options, CancellationToken cancellationToken)
    {
        // The target stays open: it is the caller's.
        var buffered = new BufferedStream(target, 1 << 16);
        return new GitExporter(repository, buffered, options).Run(cancellationToken);
    }

    private GitExportResult Run(CancellationToken cancellationToken)
    {
        using var reading = _repository.Database.BeginRead();
        if (_options.MarksToRead is { } file) _marks.Read(_repository, file);
        WriteContents(cancellationToken);
        var written = new HashSet<RecordId>();
        foreach (var checkin in GitOrder.ParentsFirst(_repository))
        {
            if (_marks.IsKnown(checkin)) continue;

            cancellationToken.ThrowIfCancellationRequested();
            WriteCommit(checkin);
            written.Add(checkin);
        }

        WriteTags(written);
        _target.Flush();
        if (_options.MarksToWrite is { } path) _marks.Write(_repository, path, 'b', 'c');
        return new GitExportResult(_blobs, _checkins, _tags);
    }

    // In the order of arrival: what a delta rests on is then often in the cache.
    private void WriteContents(CancellationToken cancellationToken)
    {
        using var select = _repository.Database.Prepare("SELECT DISTINCT fid FROM mlink WHERE fid>0 ORDER BY fid");
        while (select.Step())
        {
            var rid = select.Record(0);
            if (_marks.IsKnown(rid) || !_repository.Content.IsAvailable(rid)) continue;

            cancellationToken.ThrowIfCancellationRequested();
            using var content = _repository.Content.Get(rid);
            Line($"blob\nmark {_marks.Of(rid)}");
            Data(content.Span);
            _marks.Add('b', rid);
            _blobs++;
        }
    }

    private void WriteCommit(RecordId checkin)
    {
        using var select = _repository.Database.Prepare(
            """
            SELECT CAST(strftime('%s',mtime) AS INT), coalesce(ecomment,comment,'null comment'), coalesce(euser,user),
                   (SELECT value FROM tagxref WHERE rid=objid AND tagid=8)
              FROM event WHERE objid=?1
            """);
        if (!select.Bind(1, checkin).Step()) return;

        var branch = select.Text(3) is null or "trunk" ? _options.TrunkName : select.Text(3)!;
        Line($"commit refs/heads/{GitReference.Clean(branch)}\nmark {_marks.Of(checkin)}");
        Line($"committer{_contacts.Of(select.Text(2))} {select.Int64(0)} +0000");
        Data(Encoding.UTF8.GetBytes(select.Text(1)!));
        WriteParents(checkin);
        WriteChanges(checkin);
        Line("");
        _marks.Add('c', checkin);
        _checkins++;
    }

    private void WriteParents(RecordId checkin)
    {
        using var select = _repository.Database.Prepare(
            """
            SELECT pid, isprim FROM plink WHERE cid=?1
               AND CASE WHEN isprim THEN pid IN (SELECT objid FROM event)
                        ELSE NOT EXISTS(SELECT 1 FROM phantom WHERE rid=pid) END
             ORDER BY isprim DESC, pid
            """);
        select.Bind(1, checkin);
        var hasPrimary = false;
        while (select.Step())
        {
            if (!hasPrimary && !select.Boolean(1)) break;

            Line($"{(hasPrimary ? "merge" : "from")} {_marks.Of(select.Record(0))}");
            hasPrimary = true;
        }

        if (!hasPrimary) Line("deleteall");
    }

    // What is gone comes first: a file may have become a folder.
    private void WriteChanges(RecordId checkin)
    {
        using var select = _repository.Database.Prepare(
            """
            SELECT DISTINCT filename.name, mlink.fid, mlink.mperm FROM mlink JOIN filename USING(fnid)
             WHERE mlink.mid=?1 ORDER BY mlink.fid>0, filename.name
            """);
        select.Bind(1, checkin);
        while (select.Step())
        {
            var (path, rid) = (GitReference.Path(select.Bytes(0)), select.Record(1));
            if (rid.Value <= 0)
            {
                Bytes([.. "D "u8, .. path, (byte)'\n']);
                continue;
            }

            if (!_marks.IsKnown(rid)) continue;

            var mode = select.Int32(2) switch { 1 => "100755", 2 => "120000", _ => "100644" };
            Bytes([.. Encoding.ASCII.GetBytes($"M {mode} {_marks.Of(rid)} "), .. path, (byte)'\n']);
        }
    }

    private void WriteTags(HashSet<RecordId> written)
    {
        using var select = _repository.Database.Prepare(
            """
            SELECT substr(tagname,5), rid, CAST(strftime('%s',mtime) AS INT),
                   (SELECT coalesce(euser,user) FROM event WHERE objid=rid), value
              FROM tagxref JOIN tag USING(tagid) WHERE tagtype=1 AND tagname GLOB 'sym-*' ORDER BY tagname, rid
            """);
        while (select.Step())
        {
            if (!written.Contains(select.Record(1))) continue;

            Line($"tag {GitReference.Clean(select.Text(0) ?? "")}\nfrom {_marks.Of(select.Record(1))}");
            Line($"tagger{_contacts.Of(select.Text(3))} {select.Int64(2)} +0000");
            if (select.Text(4) is { } value) Data(Encoding.UTF8.GetBytes(value + "\n"), hasLineEnd: false);
            else Line("data 0");
            _tags++;
        }
    }

    private void Data(ReadOnlySpan<byte> data, bool hasLineEnd = true)
    {
        Line(string.Create(CultureInfo.InvariantCulture, $"data {data.Length}"));
        Bytes(data);
        if (hasLineEnd) Bytes("\n"u8);
    }

    private void Line(string text) => Bytes(Encoding.UTF8.GetBytes(text + "\n"));

    private void Bytes(ReadOnlySpan<byte> bytes) => _target.Write(bytes);
}
