namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>Versions of servers, <c>2.10.27</c> or <c>2.12.0-preview.1</c>, compared by their three numbers.</summary>
internal static class LeafVersion
{
    /// <summary>An unreadable version is older than all others.</summary>
    public static int Compare(string one, string other) => NumberOf(one).CompareTo(NumberOf(other));

    private static (int Major, int Minor, int Patch) NumberOf(string version)
    {
        var parts = version.AsSpan().TrimStart('v');
        var dash = parts.IndexOf('-');
        if (dash >= 0) parts = parts[..dash];

        Span<int> numbers = stackalloc int[3];
        var count = 0;
        foreach (var range in parts.Split('.'))
        {
            if (count == 3
                || !int.TryParse(parts[range], System.Globalization.NumberStyles.None, null, out numbers[count]))
                return default;
            count++;
        }

        return count == 3 ? (numbers[0], numbers[1], numbers[2]) : default;
    }
}
