using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation;

/// <summary>
/// The engine's fault sites. A seed makes some of them active, so that one world sees one kind of trouble often and
/// another world another. Switched off when the world heals.
/// </summary>
internal sealed class SimFaults : FaultInjector
{
    private readonly HashSet<FaultSite> _active = [];
    private readonly Prng _prng;
    private readonly double _strike;

    public SimFaults(Prng prng, Weather weather)
    {
        _prng = prng;
        _strike = weather.SiteStrike;
        foreach (var site in Enum.GetValues<FaultSite>())
            if (prng.Chance(weather.SiteActive))
                _active.Add(site);
    }

    public bool IsOn { get; set; } = true;

    public Dictionary<FaultSite, int> Counts { get; } = [];

    public override bool Strikes(FaultSite site)
    {
        if (!IsOn || !_active.Contains(site) || !_prng.Chance(_strike)) return false;

        Counts[site] = Counts.GetValueOrDefault(site) + 1;
        return true;
    }
}
