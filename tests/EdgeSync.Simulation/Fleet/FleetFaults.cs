using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>What goes wrong, when, and for how long: drawn from the seed, ended by <see cref="Heal"/>.</summary>
internal static class FleetFaults
{
    public static int Plan(Fleet fleet, Prng prng, TimeSpan span)
    {
        var count = fleet.Options.Severity switch
        {
            Severity.Normal => 0,
            Severity.Adversarial => prng.NextInt32(2, 10),
            _ => prng.NextInt32(6, 24),
        };
        for (var i = 0; i < count; i++)
        {
            var begin = TimeSpan.FromSeconds(3) + (span * prng.NextDouble());
            var length = TimeSpan.FromSeconds(prng.Chance(0.5) ? prng.NextInt32(1, 6) : prng.NextInt32(5, 60));
            var kinds = fleet.Options.Severity == Severity.Hostile ? 9 : 5;
            var (note, start, end) = Draw(fleet, prng, prng.NextInt32(kinds));
            fleet.Clock.After(begin, () =>
            {
                if (IsHealed(fleet)) return;

                fleet.Note($"fault: {note}");
                start();
                fleet.Clock.After(length, () =>
                {
                    if (!IsHealed(fleet)) end();
                });
            });
        }

        _ = span;
        return count;
    }

    public static void Heal(Fleet fleet)
    {
        foreach (var link in fleet.Links)
        {
            link.IsLossless = true;
            link.Cut(false);
            link.Stall(0, false);
            link.Stall(1, false);
        }

        foreach (var server in fleet.Servers)
            if (server.Broker is null)
                server.Start();
        foreach (var node in fleet.Nodes)
        {
            SetDiskFull(node, false);
            node.IsDiskUnreadable = false;
            if (node != fleet.Web?.Repository && !node.IsAlive) node.Start();
        }

        if (fleet.Web is { } web) web.IsDown = false;
    }

    private static bool IsHealed(Fleet fleet) => fleet.Links.Count > 0 && fleet.Links[0].IsLossless;

    private static (string Note, Action Start, Action End) Draw(Fleet fleet, Prng prng, int kind)
    {
        var link = fleet.Links[prng.NextInt32(fleet.Links.Count)];
        var node = fleet.Nodes[prng.NextInt32(fleet.Nodes.Count)];
        var direction = prng.NextInt32(2);
        switch (kind)
        {
            case 0:
                return ($"{link.Name} is cut", () => link.Cut(true), () => link.Cut(false));
            case 1:
                return ($"{link.Name} breaks for a moment", () => { link.Cut(true); link.Cut(false); }, () => { });
            case 2:
                return (
                    $"{link.Name} stalls", () => { link.Stall(0, true); link.Stall(1, true); },
                    () => { link.Stall(0, false); link.Stall(1, false); }
                );
            case 3:
                return (
                    $"{link.Name} stalls in direction {direction}", () => link.Stall(direction, true),
                    () => link.Stall(direction, false));
            case 4 when fleet.Web is { } web:
                return ("the web server is down", () => web.IsDown = true, () => web.IsDown = false);
            case 4:
                return (
                    $"{link.Name} stalls", () => { link.Stall(0, true); link.Stall(1, true); },
                    () => { link.Stall(0, false); link.Stall(1, false); }
                );
            case 5 when node != fleet.Web?.Repository:
                return ($"{node.Name} dies", node.Kill, () => { if (!node.IsAlive) node.Start(); });
            case 6:
                return direction == 0
                    ? (
                        $"the disk of {node.Name} is full", () => SetDiskFull(node, true),
                        () => SetDiskFull(node, false))
                    : (
                        $"the disk of {node.Name} fails", () => node.IsDiskUnreadable = true,
                        () => node.IsDiskUnreadable = false);
            case 7 when fleet.Servers.Count > 0:
                var server = fleet.Servers[0];
                return ($"{server.Name} dies", server.Kill, () => { if (server.Broker is null) server.Start(); });
            case 8:
                return (
                    $"the clock of {node.Name} jumps", () => node.Skew += TimeSpan.FromSeconds(prng.NextInt32(0, 600)),
                    () => { }
                );
            default:
                return ($"{node.Name} is asked to sync", node.SyncNow, () => { });
        }
    }

    private static void SetDiskFull(FleetNode node, bool isFull)
    {
        if (node.Repository is not MemoryNode memory) return;

        node.IsDiskFull = isFull;
        memory.Memory.IsReadOnly = isFull;
    }
}
