namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// The lines of a timeline: each check-in is a circle in a lane, and lanes lead down to parents. A lane is free again
/// below the check-in that it leads to; beyond the last row the lanes go on to the edge.
/// </summary>
internal sealed class TimelineGraph
{
    private const int LaneWidth = 14, Margin = 10, Middle = 14, LanesMax = 24;

    private readonly List<Row> _rows = [];
    private int _lanes = 1;

    /// <param name="entries">Newest first: parents follow their children.</param>
    public static TimelineGraph Of(IReadOnlyList<TimelineRow> entries)
    {
        var graph = new TimelineGraph();
        var waiting = new List<string?>();   // by lane: the check-in that it leads to
        foreach (var entry in entries) graph._rows.Add(RowOf(entry, waiting));
        graph._lanes = Math.Clamp(waiting.Count, 1, LanesMax);
        return graph;
    }

    /// <summary>The cell of one row.</summary>
    public void Write(HtmlPage html, int index)
    {
        var row = _rows[index];
        var width = 2 * Margin + (_lanes - 1) * LaneWidth;
        html.Add($"<td class=\"graph\" width=\"{width}\"><svg aria-hidden=\"true\" width=\"{width}\">");
        foreach (var lane in row.Through) Line(html, lane, "0", lane, "100%");
        foreach (var lane in row.FromAbove) Line(html, lane, "0", row.Lane, Of(Middle));
        foreach (var lane in row.ToBelow) Line(html, row.Lane, Of(Middle), lane, "100%");
        if (row.Lane >= 0) html.Add($"<circle cx=\"{X(row.Lane)}\" cy=\"{Middle}\" r=\"5\"/>");
        html.Add($"</svg></td>");

        static string Of(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void Line(HtmlPage html, int from, string top, int to, string bottom) =>
        html.Add($"<line x1=\"{X(from)}\" y1=\"{top}\" x2=\"{X(to)}\" y2=\"{bottom}\"/>");

    private static int X(int lane) => Margin + Math.Min(lane, LanesMax - 1) * LaneWidth;

    private static Row RowOf(TimelineRow entry, List<string?> waiting)
    {
        var before = Enumerable.Range(0, waiting.Count).Where(i => waiting[i] is not null).ToList();
        if (entry.Type != "ci") return new Row(-1, before, [], []);

        var above = before.Where(i => waiting[i] == entry.Hash).ToList();
        foreach (var lane in above) waiting[lane] = null;
        var own = above.Count > 0 ? above[0] : FreeLane(waiting);
        var through = before.Where(i => !above.Contains(i)).ToList();
        var below = new List<int>();
        for (var i = 0; i < entry.Parents.Count; i++)
        {
            // The primary parent stays in the lane, unless another child leads to it already.
            var lane = waiting.IndexOf(entry.Parents[i]);
            if (lane < 0 && i == 0) lane = own;
            else if (lane < 0) lane = FreeLane(waiting, own);
            Set(waiting, lane, entry.Parents[i]);
            below.Add(lane);
        }

        return new Row(own, through, above, below);
    }

    private static int FreeLane(List<string?> waiting, int taken = -1)
    {
        for (var i = 0; i < waiting.Count; i++)
            if (waiting[i] is null && i != taken) return i;
        return waiting.Count == taken ? taken + 1 : waiting.Count;
    }

    private static void Set(List<string?> waiting, int lane, string hash)
    {
        while (waiting.Count <= lane) waiting.Add(null);
        waiting[lane] = hash;
    }

    /// <param name="Lane">Of the circle; -1 without one.</param>
    /// <param name="Through">Lanes that pass.</param>
    /// <param name="FromAbove">Lanes of children that end here.</param>
    /// <param name="ToBelow">Lanes to the parents.</param>
    private sealed record Row(int Lane, List<int> Through, List<int> FromAbove, List<int> ToBelow);
}
