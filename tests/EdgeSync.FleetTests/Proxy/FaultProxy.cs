using EdgeSync.Primitives;

namespace EdgeSync.FleetTests.Proxy;

/// <summary>All cables of a fleet, by name. One seed decides what is lost on them.</summary>
internal sealed class FaultProxy(ulong seed) : IAsyncDisposable
{
    private readonly Prng _prng = new(seed);
    private readonly Dictionary<string, Link> _links = [];

    public FaultLog Log { get; } = new();

    public IReadOnlyCollection<Link> Links => _links.Values;

    public Link this[string name] => _links[name];

    /// <summary>A new cable to a loopback port.</summary>
    public Link Add(string name, int targetPort)
    {
        var link = new Link(name, targetPort, _prng.Fork(), Log);
        _links.Add(name, link);
        return link;
    }

    public void HealAll()
    {
        foreach (var link in _links.Values) link.Heal();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var link in _links.Values) await link.DisposeAsync();
    }
}
