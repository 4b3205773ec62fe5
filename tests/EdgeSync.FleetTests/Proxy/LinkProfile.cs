namespace EdgeSync.FleetTests.Proxy;

/// <summary>What a link can do at best: its rate, its round trip, and the share of segments that it loses.</summary>
internal sealed record LinkProfile(string Name, double MegabitsPerSecond, TimeSpan RoundTrip, double Loss)
{
    /// <summary>Loopback as it is.</summary>
    public static LinkProfile Direct { get; } = new("direct", double.PositiveInfinity, TimeSpan.Zero, 0);

    /// <summary>The nine links of both simulators, best first.</summary>
    public static IReadOnlyList<LinkProfile> Named { get; } =
    [
        Make("lan", 100, 16, 0.1),
        Make("wifi", 25, 40, 1),
        Make("lte", 8, 90, 2),
        Make("3g", 3, 200, 3),
        Make("edge", 1.5, 300, 5),
        Make("rural", 0.8, 450, 8),
        Make("sat", 25, 600, 1.5),
        Make("worst", 0.5, 450, 12),
        Make("hell", 0.256, 800, 25),
    ];

    public TimeSpan OneWay => RoundTrip / 2;

    public static LinkProfile Of(string name) =>
        name == Direct.Name
            ? Direct
            : Named.FirstOrDefault(profile => profile.Name == name)
                ?? throw new ArgumentException(
                    $"no link profile '{name}': {string.Join(", ", Named.Select(p => p.Name))} or direct");

    /// <summary>How long the link is busy with that many bytes.</summary>
    public TimeSpan BusyFor(int byteCount) =>
        double.IsPositiveInfinity(MegabitsPerSecond)
        ? TimeSpan.Zero
        : TimeSpan.FromSeconds(byteCount * 8 / (MegabitsPerSecond * 1e6));

    public override string ToString() => Name;

    private static LinkProfile Make(
        string name, double megabitsPerSecond, int roundTripMilliseconds, double lossPercent) =>
        new(name, megabitsPerSecond, TimeSpan.FromMilliseconds(roundTripMilliseconds), lossPercent / 100);
}
