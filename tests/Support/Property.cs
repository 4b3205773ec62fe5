using EdgeSync.Primitives;

namespace EdgeSync.Tests.Support;

/// <summary>
/// Runs a statement about all inputs on many seeded ones. A failure names the seed; <c>EDGESYNC_PROPERTY_SEED</c>
/// replays it alone, <c>EDGESYNC_PROPERTY_RUNS</c> makes more runs (the long fuzz), from
/// <c>EDGESYNC_PROPERTY_FIRST</c> on.
/// </summary>
internal static class Property
{
    public static void Check(Action<Prng> statement, int runs = 200, ulong firstSeed = 1)
    {
        if (Environment.GetEnvironmentVariable("EDGESYNC_PROPERTY_SEED") is { Length: > 0 } only)
        {
            statement(new Prng(ulong.Parse(only, System.Globalization.CultureInfo.InvariantCulture)));
            return;
        }

        if (Environment.GetEnvironmentVariable("EDGESYNC_PROPERTY_RUNS") is { Length: > 0 } more)
            runs = int.Parse(more, System.Globalization.CultureInfo.InvariantCulture);
        if (Environment.GetEnvironmentVariable("EDGESYNC_PROPERTY_FIRST") is { Length: > 0 } first)
            firstSeed = ulong.Parse(first, System.Globalization.CultureInfo.InvariantCulture);

        for (var i = 0; i < runs; i++)
        {
            var seed = firstSeed + (ulong)i;
            try
            {
                statement(new Prng(seed));
            }
            catch (Exception e)
            {
                throw new Xunit.Sdk.XunitException($"Property fails; replay: EDGESYNC_PROPERTY_SEED={seed}\n{e}");
            }
        }
    }
}
