namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// The addresses of one hub in the order of attempts: the one that worked last, then the configured ones, then those
/// that the hub announced. Differs from real leaves, which try announced addresses first and so hang behind address
/// translation.
/// </summary>
internal sealed class LeafUrlPool
{
    /// <summary>More than a cluster has; bounds what a hub can make us store.</summary>
    private const int AnnouncedMax = 32;

    private readonly List<Uri> _configured = [];
    private readonly List<Uri> _announced = [];
    private int _next;

    public LeafUrlPool(IEnumerable<string> urls)
    {
        foreach (var text in urls)
            if (LeafUrl.TryParse(text, out var url)) _configured.Add(url);
    }

    public int Count => _configured.Count + _announced.Count;

    /// <summary>The address to try now.</summary>
    public Uri Current => _next < _configured.Count ? _configured[_next] : _announced[_next - _configured.Count];

    /// <summary>
    /// The current address failed: go to the next. True when all have been tried since the last success.
    /// </summary>
    public bool Advance()
    {
        _next = (_next + 1) % Count;
        return _next == 0;
    }

    /// <summary>
    /// Adds the addresses that the hub announces, with scheme and credentials of the address that reached it.
    /// </summary>
    public void Learn(IReadOnlyList<string> announced)
    {
        var current = Current;
        _announced.RemoveAll(url => url != current);
        foreach (var text in announced)
        {
            if (_announced.Count >= AnnouncedMax) break;
            if (text.Contains("://", StringComparison.Ordinal)) continue;

            var user = current.UserInfo.Length > 0 ? current.UserInfo + "@" : "";
            if (!LeafUrl.TryParse($"{current.Scheme}://{user}{text}", out var url)) continue;
            if (!_configured.Contains(url) && !_announced.Contains(url)) _announced.Add(url);
        }

        _next = Math.Max(
            0, _configured.IndexOf(current) is var at and >= 0 ? at : _configured.Count + _announced.IndexOf(current));
    }
}
