namespace EdgeSync.Storage.Git;

/// <summary>Users as git names them, from the repository's contact data. Spec: print_person in export.c.</summary>
internal sealed class GitContacts(Repository repository)
{
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <summary>Name and address behind a blank.</summary>
    public string Of(string? user)
    {
        if (user is null) return " <unknown>";
        if (_known.TryGetValue(user, out var contact)) return contact;

        using var select = repository.Database.Prepare("SELECT info FROM user WHERE login=?1");
        contact = Format(user, select.BindText(1, user).Step() ? select.Text(0) ?? "" : null);
        _known.Add(user, contact);
        return contact;
    }

    // "Name" <address> and more; an address alone; or a name alone.
    private static string Format(string user, string? info)
    {
        var at = info?.IndexOf('@', StringComparison.Ordinal) ?? -1;
        if (info is null || at < 0)
        {
            var name = Plain(string.IsNullOrEmpty(info) ? user : info);
            return $" {name} <{name}>";
        }

        var (first, isBracketed) = FirstOf(info, at);
        var last = info.IndexOf('>', at);
        var blank = info.IndexOf(' ', at);
        if (last < 0 || (blank >= 0 && blank < last)) last = blank < 0 ? info.Length : blank;
        var email = info[first..last].TrimStart(' ').Replace("<", "", StringComparison.Ordinal)
            .Replace(">", "", StringComparison.Ordinal);
        var before = isBracketed && first > 1 ? info[..(first - 1)].Trim(' ') : "";
        return $" {Plain(before.Length > 0 ? before : user)} <{email}>";
    }

    // Where the address begins: behind the last bracket, or outside of brackets blank, in front of the at sign.
    private static (int First, bool IsBracketed) FirstOf(string info, int at)
    {
        var (first, isBracketed) = (0, false);
        for (var i = 0; i < at; i++)
        {
            if (info[i] is '<' or '>') (isBracketed, first) = (info[i] == '<', i + 1);
            else if (info[i] == ' ' && !isBracketed) first = i + 1;
        }

        return (first, isBracketed);
    }

    private static string Plain(string name) => string.Concat(name.Where(c => c is not ('<' or '>' or '"')));
}
