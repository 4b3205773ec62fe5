namespace EdgeSync.Fossil.Checkout;

/// <summary>
/// Renames one after the other: each name is free when it is given. Where names go round in a circle, one file steps
/// aside first.
/// </summary>
public static class RenameOrder
{
    /// <param name="renames">Old and new names, all done at once.</param>
    /// <param name="aside">A name that no file has.</param>
    public static List<(string From, string To)> Of(IEnumerable<(string From, string To)> renames, string aside)
    {
        var waiting = renames.Where(r => r.From != r.To).ToDictionary(r => r.From, r => r.To, StringComparer.Ordinal);
        var steps = new List<(string From, string To)>();
        while (waiting.Count > 0)
        {
            var free = waiting.Where(r => !waiting.ContainsKey(r.Value)).Select(r => r.Key)
                .Order(StringComparer.Ordinal).ToList();
            if (free.Count == 0)
            {
                var first = waiting.Keys.Min(StringComparer.Ordinal)!;
                steps.Add((first, aside));
                waiting.Remove(first, out var target);
                waiting[aside] = target!;
                continue;
            }

            foreach (var from in free)
            {
                waiting.Remove(from, out var to);
                steps.Add((from, to!));
            }
        }

        return steps;
    }
}
