namespace EdgeSync.Can.Dav;

/// <summary>What the conditions of a request are compared with: a resource as it is.</summary>
/// <param name="ETag">With its quotes; null: it is not there.</param>
/// <param name="Tokens">Of the locks that cover it.</param>
public readonly record struct DavState(string? ETag, IReadOnlyList<string> Tokens);

/// <summary>
/// The If header (RFC 4918 §10.4): the request is done when one of its lists holds.
/// <code>
/// If: (&lt;urn:uuid:…&gt; ["etag"]) (Not &lt;DAV:no-lock&gt;)       of the target
/// If: &lt;http://host/dav/…&gt; (&lt;urn:uuid:…&gt;)                 of another resource
/// </code>
/// </summary>
public sealed class DavConditions
{
    private const int LengthMax = 8 * 1024, ConditionsMax = 100;

    private readonly List<List> _lists = [];

    /// <summary>All tokens that are named, wherever.</summary>
    public IEnumerable<string> Tokens => _lists.SelectMany(l => l.Conditions).Where(c => !c.IsETag).Select(c => c.Text);

    /// <summary>An empty text has no conditions.</summary>
    public static bool TryParse(string text, out DavConditions conditions)
    {
        ArgumentNullException.ThrowIfNull(text);
        conditions = new DavConditions();
        if (text.Length > LengthMax) return false;

        string? resource = null;
        var (at, count) = (0, 0);
        while (Skip(text, ref at))
        {
            if (text[at] == '<')
            {
                // A resource must be followed by a list.
                if (!TryTake(text, '>', ref at, out resource) || !Skip(text, ref at) || text[at] != '(') return false;
            }
            else if (text[at] == '(')
            {
                at++;
                if (!TryParseList(text, ref at, ref count, out var list)) return false;
                conditions._lists.Add(new List(resource, list));
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether one of the lists holds, or there is none.</summary>
    /// <param name="state">Of a resource; null is the target.</param>
    public bool Hold(Func<string?, DavState> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return _lists.Count == 0 || _lists.Any(list =>
        {
            var present = state(list.Resource);
            return list.Conditions.TrueForAll(c => c.IsNegated != (c.IsETag
                ? c.Text == present.ETag : present.Tokens.Contains(c.Text, StringComparer.Ordinal)));
        });
    }

    private static bool TryParseList(string text, ref int at, ref int count, out List<Condition> list)
    {
        list = [];
        while (Skip(text, ref at))
        {
            if (text[at] == ')')
            {
                at++;
                return list.Count > 0;
            }

            var isNegated = text.AsSpan(at).StartsWith("Not", StringComparison.OrdinalIgnoreCase);
            if (isNegated) at += 3;
            if (!Skip(text, ref at) || ++count > ConditionsMax) return false;

            var isETag = text[at] == '[';
            if (!isETag && text[at] != '<') return false;
            if (!TryTake(text, isETag ? ']' : '>', ref at, out var value)) return false;

            list.Add(new Condition(isNegated, isETag, value!));
        }

        return false;
    }

    private static bool Skip(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t') at++;
        return at < text.Length;
    }

    // What stands between the bracket at the place and its end.
    private static bool TryTake(string text, char end, ref int at, out string? value)
    {
        value = null;
        var last = text.IndexOf(end, at);
        if (last < 0) return false;

        value = text[(at + 1)..last];
        at = last + 1;
        return value.Length > 0;
    }

    private sealed record List(string? Resource, List<Condition> Conditions);

    private readonly record struct Condition(bool IsNegated, bool IsETag, string Text);
}
