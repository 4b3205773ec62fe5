namespace EdgeSync.Simulation.Fleet;

/// <summary>A kind of link, by the names of the design: megabits a second, round trip, loss.</summary>
internal sealed record LinkProfile(string Name, double MegabitsPerSecond, int RoundTripMilliseconds, double Loss)
{
    public static LinkProfile[] All { get; } =
    [
        new("lan", 100, 16, 0.001), new("wifi", 25, 40, 0.01), new("lte", 8, 90, 0.02), new("3g", 3, 200, 0.03),
            new("edge", 1.5, 300, 0.05),
        new("rural", 0.8, 450, 0.08), new("sat", 25, 600, 0.015), new("worst", 0.5, 450, 0.12),
            new("hell", 0.256, 800, 0.25),
    ];

    public TimeSpan OneWay => TimeSpan.FromMilliseconds(RoundTripMilliseconds / 2.0);

    public TimeSpan TimeFor(int bytes) => TimeSpan.FromSeconds(bytes * 8 / (MegabitsPerSecond * 1_000_000));
}
