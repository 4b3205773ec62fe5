using System.Globalization;

namespace EdgeSync.Tests.Support;

/// <summary>How many seeds a simulation runs: its own number, or <c>EDGESYNC_SIM_SEEDS</c> for all.</summary>
internal static class SeedCount
{
    public static int Or(int usual) =>
        Environment.GetEnvironmentVariable("EDGESYNC_SIM_SEEDS") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : usual;
}
