using System.Globalization;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Git;

/// <summary>
/// The marks of earlier runs of an import or export, with the artifact of each. In a file, as stock
/// writes it, lines of <c>cRID :MARK HASH</c> for check-ins and <c>bRID :MARK HASH</c> for contents.
/// </summary>
// Spec: parse_mark and export_mark in export.c.
internal sealed class GitMarks
{
    private readonly Dictionary<RecordId, string> _byRecord = [];
    private readonly List<(char Kind, RecordId Rid)> _order = [];
    private readonly HashSet<RecordId> _known = [];
    private int _unused = 1;

    /// <summary>True when it was read, or added before.</summary>
    public bool IsKnown(RecordId rid) => _known.Contains(rid);

    /// <summary>The mark of a record; a new one if it has none.</summary>
    public string Of(RecordId rid)
    {
        if (_byRecord.TryGetValue(rid, out var mark)) return mark;

        mark = string.Create(CultureInfo.InvariantCulture, $":{_unused++}");
        _byRecord.Add(rid, mark);
        return mark;
    }

    /// <summary>A record is part of the stream now.</summary>
    /// <param name="kind"><c>c</c> for a check-in, <c>b</c> for a content.</param>
    /// <param name="rid">The record.</param>
    public void Add(char kind, RecordId rid)
    {
        if (_known.Add(rid)) _order.Add((kind, rid));
    }

    /// <summary>A mark of the stream that is read.</summary>
    /// <param name="kind"><c>c</c> for a check-in, <c>b</c> for a content.</param>
    /// <param name="rid">The record.</param>
    /// <param name="mark">Its mark.</param>
    public void Set(char kind, RecordId rid, string mark)
    {
        _byRecord[rid] = mark;
        if (int.TryParse(mark.AsSpan(1), out var number)) _unused = Math.Max(_unused, number + 1);
        Add(kind, rid);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="EdgeSyncException">A line is none of a marks file, or names no artifact here.</exception>
    public IReadOnlyList<(char Kind, RecordId Rid, string Mark, ArtifactId Id)> Read(Repository repository, string file)
    {
        var read = new List<(char, RecordId, string, ArtifactId)>();
        foreach (var line in File.ReadLines(file))
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is not [['b' or 'c', ..], [':', _, ..], var hash]
                || !ArtifactId.TryParse(Encoding.ASCII.GetBytes(hash), out var id)
                || repository.Content.Find(id) is not { IsNone: false } rid)
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"error importing marks from file: {file}", "--import-marks FILE of this project");
            }

            Set(words[0][0], rid, words[1]);
            read.Add((words[0][0], rid, words[1], id));
        }

        return read;
    }

    /// <summary>Writes all of one kind, then the other.</summary>
    public void Write(Repository repository, string file, params ReadOnlySpan<char> kinds)
    {
        using var writer = new StreamWriter(file, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        foreach (var kind in kinds)
        {
            foreach (var (known, rid) in _order.Where(o => o.Kind == kind))
                writer.WriteLine($"{known}{rid.Value} {Of(rid)} {repository.Content.NameOf(rid)}");
        }
    }
}
