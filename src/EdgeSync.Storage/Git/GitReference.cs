using System.Text;

namespace EdgeSync.Storage.Git;

/// <summary>Names of branches and tags, and paths, as git takes them.</summary>
internal static class GitReference
{
    private const char Replacement = '_';

    /// <summary>A name with what git rejects replaced. Spec: print_ref in export.c; git-check-ref-format(1).</summary>
    // Differs from Fossil: so is a tilde, which git rejects too.
    public static string Clean(string name)
    {
        if (name == "@") return Replacement.ToString();

        var clean = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            var (before, c) = (i > 0 ? name[i - 1] : '\0', name[i]);
            if ((before == '.' && c == '.') || (before == '@' && c == '{'))
            {
                clean[^1] = Replacement;
                clean.Append(Replacement);
            }
            else if (before == '/' && c == '/')
            {
                continue;
            }
            else
            {
                clean.Append(c < 0x20 || c == 0x7f || " ~^:?*[\\".Contains(c) ? Replacement : c);
            }
        }

        if (clean.Length == 0) return Replacement.ToString();
        if (clean[0] is '.' or '/') clean[0] = Replacement;
        if (clean[^1] is '.' or '/') clean[^1] = Replacement;
        var text = clean.ToString();
        return text.Length > 5 && text.EndsWith(".lock", StringComparison.Ordinal) ? text[..^5] + "_____" : text;
    }

    /// <summary>A path, in quotes where its bytes need them.</summary>
    public static byte[] Path(ReadOnlySpan<byte> path)
    {
        if (path is not [(byte)'"', ..] && !path.Contains((byte)'\n')) return path.ToArray();

        var quoted = new List<byte> { (byte)'"' };
        foreach (var octet in path)
        {
            if (octet is (byte)'"' or (byte)'\\') quoted.Add((byte)'\\');
            if (octet == (byte)'\n') quoted.AddRange("\\n"u8);
            else quoted.Add(octet);
        }

        quoted.Add((byte)'"');
        return [.. quoted];
    }
}
