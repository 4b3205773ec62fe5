using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>The state of a tag or property on one artifact.</summary>
/// <param name="Name">With <c>sym-</c> for tags and branches, as stored.</param>
/// <param name="Kind">0 cancelled, 1 once, 2 propagating.</param>
/// <param name="Value">Null for a tag without value.</param>
/// <param name="IsDirect">Set on this very artifact, not inherited from an ancestor.</param>
public sealed record AppliedTag(string Name, int Kind, string? Value, bool IsDirect);

/// <summary>Tags, of one artifact and of all.</summary>
public static class Tags
{
    /// <summary>Those of one artifact, by name; cancelled ones only when they were cancelled here.</summary>
    public static IReadOnlyList<AppliedTag> Of(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT tagname, tagtype, value, srcid=?1 FROM tagxref JOIN tag USING(tagid)
             WHERE rid=?1 AND (tagtype>0 OR srcid=?1) ORDER BY tagname
            """);
        select.Bind(1, rid);
        var tags = new List<AppliedTag>();
        while (select.Step())
            tags.Add(new AppliedTag(select.Text(0) ?? "", select.Int32(1), select.Text(2), select.Boolean(3)));
        return tags;
    }

    /// <summary>The artifacts with a tag, in order of arrival.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="name">As stored, such as <c>closed</c> or <c>sym-release</c>.</param>
    public static IReadOnlyList<ArtifactId> Carrying(Repository repository, string name)
    {
        using var select = repository.Database.Prepare(
            "SELECT blob.uuid FROM tagxref JOIN tag USING(tagid) JOIN blob USING(rid) WHERE tagname=?1 AND tagtype>0 "
                + "ORDER BY rid");
        select.BindText(1, name);
        var ids = new List<ArtifactId>();
        while (select.Step()) ids.Add(select.Artifact(0));
        return ids;
    }

    /// <summary>Names of all tags in use, without <c>sym-</c>, and on how many check-ins.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="includesPrivate">Also those of private check-ins.</param>
    public static IReadOnlyList<(string Name, long Count)> List(Repository repository, bool includesPrivate = true)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT substr(tagname,5), count(*) FROM tag JOIN tagxref USING(tagid)
             WHERE tagname GLOB 'sym-*' AND tagtype>0
               AND (?1 OR NOT EXISTS(SELECT 1 FROM private WHERE private.rid=tagxref.rid))
             GROUP BY tagid ORDER BY tagname
            """);
        select.Bind(1, includesPrivate ? 1 : 0);
        var tags = new List<(string, long)>();
        while (select.Step()) tags.Add((select.Text(0) ?? "", select.Int64(1)));
        return tags;
    }

    /// <summary>True when the name is in the table of tags.</summary>
    public static bool IsKnown(Repository repository, string name)
    {
        using var select = repository.Database.Prepare("SELECT 1 FROM tag WHERE tagname=?1");
        return select.BindText(1, name).Step();
    }

    /// <summary>Names and values of the tags of an artifact, in stock's order of names.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="rid">The artifact.</param>
    /// <param name="test">What follows <c>tagtype</c>, such as <c>&gt;0</c>.</param>
    public static IReadOnlyList<(string Name, string? Value)> OfKind(Repository repository, RecordId rid, string test)
    {
        using var select = repository.Database.Prepare(
            $"SELECT tagname, value FROM tagxref, tag WHERE tagxref.rid=?1 AND tagxref.tagid=tag.tagid AND "
                + $"tagtype{test}");
        select.Bind(1, rid);
        var tags = new List<(string Name, string? Value)>();
        while (select.Step()) tags.Add((select.Text(0) ?? "", select.Text(1)));
        return [.. tags.OrderBy(t => t.Name, StockNameOrder.Instance)];
    }

    /// <summary>Names of tags that stand anywhere, as they are stored, in stock's order.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="test">What follows <c>tagtype</c>.</param>
    /// <param name="prefix">Only names that begin so, or null.</param>
    public static IReadOnlyList<string> NamesOfKind(Repository repository, string test, string? prefix)
    {
        using var select = repository.Database.Prepare(
            $"""
            SELECT tagname FROM tag
             WHERE EXISTS(SELECT 1 FROM tagxref WHERE tagid=tag.tagid AND tagtype{test})
               AND (?1 IS NULL OR tagname GLOB ?1||'*')
            """);
        select.BindText(1, prefix);
        var names = new List<string>();
        while (select.Step()) names.Add(select.Text(0) ?? "");
        names.Sort(StockNameOrder.Instance);
        return names;
    }

    /// <summary>Stock's collation <c>uintnocase</c>: digits by their number, letters without their case.</summary>
    private sealed class StockNameOrder : IComparer<string>
    {
        public static readonly StockNameOrder Instance = new();

        public int Compare(string? left, string? right)
        {
            ReadOnlySpan<byte> a = Encoding.UTF8.GetBytes(left ?? "");
            ReadOnlySpan<byte> b = Encoding.UTF8.GetBytes(right ?? "");
            while (!a.IsEmpty && !b.IsEmpty)
            {
                if (char.IsAsciiDigit((char)a[0]) && char.IsAsciiDigit((char)b[0]))
                {
                    var x = Digits(ref a);
                    var y = Digits(ref b);
                    if (x.Length != y.Length) return x.Length - y.Length;
                    if (x.SequenceCompareTo(y) is var byDigits and not 0) return byDigits;
                    continue;
                }

                // Characters are signed in stock's build for these processors.
                if (Folded(a[0]) - Folded(b[0]) is var byLetter and not 0) return byLetter;
                a = a[1..];
                b = b[1..];
            }

            return a.Length - b.Length;
        }

        private static int Folded(byte c) => (sbyte)(c is >= (byte)'A' and <= (byte)'Z' ? c + 32 : c);

        // Without the zeroes in front.
        private static ReadOnlySpan<byte> Digits(ref ReadOnlySpan<byte> text)
        {
            text = text.TrimStart((byte)'0');
            var end = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            if (end < 0) end = text.Length;
            var digits = text[..end];
            text = text[end..];
            return digits;
        }
    }
}
