using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>How much of a timeline is printed, and how.</summary>
/// <param name="Limit">Entries at most; below 0: lines, about; 0: all.</param>
/// <param name="Width">Of a line; 0: no limit.</param>
/// <param name="Format">A format with placeholders, or null for stock's usual one.</param>
/// <param name="HasFiles">Files that each check-in changed too.</param>
internal sealed record StockTimelineView(int Limit, int Width, string? Format = null, bool HasFiles = false);

/// <summary>Prints a timeline in stock's shape.</summary>
// Spec: print_timeline and timeline_entry_subst in timeline.c.
internal sealed class StockTimelinePrinter(Repository repository, StockTimelineView view, TextWriter output)
{
    private readonly TimelineFormat _format = new(repository);
    private readonly int _max = Math.Abs(view.Limit);
    private int _lines;
    private int _entries;
    private string _day = "";

    public void Print(IEnumerable<DetailedEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (_max != 0 && (view.Limit < 0 && _lines >= _max))
            {
                output.Write($"--- line limit ({_max}) reached ---\n");
                return;
            }

            if (_max != 0 && _entries >= _max)
            {
                output.Write($"--- entry limit ({_max}) reached ---\n");
                return;
            }

            Print(entry);
            _entries++;
        }

        output.Write(_max == 0 ? $"+++ end of timeline ({_entries}) +++\n" : $"+++ no more data ({_entries}) +++\n");
    }

    private void Print(DetailedEntry entry)
    {
        if (view.Format is { } format)
        {
            _lines += 1 + format.Split("%n").Length - 1;
            output.Write(_format.Of(format, entry) + "\n");
        }
        else
        {
            var phase = _format.PhaseOf(entry);
            if (entry.Date[..10] != _day)
            {
                _day = entry.Date[..10];
                output.Write($"=== {_day} ===\n");
                _lines++;
            }

            output.Write(entry.Date[11..19] + " ");
            _lines += StockComment.Print(output, TextOf(entry, phase), 9, view.Width);
        }

        if (!view.HasFiles) return;

        foreach (var (change, path) in DetailedTimeline.FilesOf(repository, entry.Rid))
        {
            output.Write($"   {change} {path}\n");
            _lines++;
        }
    }

    private static string TextOf(DetailedEntry entry, string phase)
    {
        var hash = entry.Id.ToString()[..10];
        var title = entry.Comment is [_, .. var rest] ? rest : "";
        return (entry.Type, entry.Text) switch
        {
            ("w", ['+', ..]) => $"[{hash}] Add wiki page \"{title}\" (user: {entry.User})",
            ("w", ['-', ..]) => $"[{hash}] Delete wiki page \"{title}\" (user: {entry.User})",
            ("w", [':', ..]) => $"[{hash}] Edit to wiki page \"{title}\" (user: {entry.User})",
            _ => $"[{hash}] {phase}{entry.Text}",
        };
    }
}
