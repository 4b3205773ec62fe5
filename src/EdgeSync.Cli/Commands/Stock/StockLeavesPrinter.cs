using EdgeSync.Storage;
using EdgeSync.Storage.Names;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Prints leaves in stock's shape.</summary>
// Spec: leaves_cmd in descendants.c.
internal sealed class StockLeavesPrinter(Repository repository, DetailedQuery query, int width, TextWriter output)
{
    public void Print(IEnumerable<DetailedEntry> entries)
    {
        var main = repository.Settings["main-branch"] ?? "trunk";
        var number = 0;
        string? last = null;
        foreach (var entry in entries.ToList())
        {
            if (query.IsByBranch && entry.Branch != last)
            {
                output.Write($"*** {entry.Branch} ***\n");
                last = entry.Branch;
                if (query.IsForked) number = 0;
            }

            number++;
            var root = "";
            if (entry.Branch != main
                && repository.Names.TryResolve($"root:{entry.Id}", EventType.Checkin, out var rid) == NameFault.None)
                root = $" (branched from: [{repository.Content.NameOf(rid).ToString()[..10]}])";
            output.Write($"({number})".PadLeft(6) + " ");
            StockComment.Print(output, $"{entry.Date} [{entry.Id.ToString()[..10]}] {entry.Text}{root}", 7, width);
        }
    }
}
