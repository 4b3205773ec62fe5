using System.Text;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Entries of a timeline by a format with placeholders.</summary>
// Spec: timeline_entry_subst in timeline.c.
internal sealed class TimelineFormat(Repository repository)
{
    /// <summary>
    /// The placeholders that <c>oneline</c>, <c>medium</c> and <c>full</c> stand for; others as they are.
    /// </summary>
    public static string? Named(string? format) => format switch
    {
        "oneline" => "%h %c",
        "medium" => "Commit:   %h%nDate:     %d%nAuthor:   %a%nComment:  %c%n",
        "full" => "Commit:   %H%nDate:     %d%nAuthor:   %a%nComment:  %c%nBranch:   %b%nTags:     %t%nPhase:    %p%n",
        _ => format,
    };

    /// <summary>Words such as <c>*MERGE*</c> and a space behind each.</summary>
    public string PhaseOf(DetailedEntry entry)
    {
        var phase = entry.Parents > 1 ? "*MERGE* " : "";
        if (entry.Children > 1)
            phase += DetailedTimeline.SameBranchChildrenOf(repository, entry.Rid) > 1 ? "*FORK* " : "*BRANCH* ";
        if (entry.Rid == repository.Names.Checkout) phase += "*CURRENT* ";
        return entry.IsPrivate ? phase + "*UNPUBLISHED* " : phase;
    }

    /// <summary>An entry by a format with placeholders.</summary>
    public string Of(string format, DetailedEntry entry)
    {
        var phase = PhaseOf(entry);
        if (entry.Children == 0) phase += "*LEAF* ";
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            var value = format[i + 1] switch
            {
                '%' => "%",
                'n' => "\n",
                'H' => entry.Id.ToString(),
                'h' => entry.Id.ToString()[..10],
                'a' => entry.User,
                'd' => entry.Date,
                'c' =>
                    (entry.Comment ?? "(NULL)").Replace("\r", "", StringComparison.Ordinal).Replace('\n', ' ')
                    .Replace('\t', ' '),
                'b' => entry.Branch ?? "",
                't' => entry.Tags,
                'p' => phase,
                _ => null,
            };
            text.Append(value ?? "%");
            if (value is not null) i++;
        }

        return text.ToString();
    }
}
