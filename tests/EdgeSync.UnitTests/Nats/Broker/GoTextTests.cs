using EdgeSync.Nats.Broker.Monitoring;

namespace EdgeSync.UnitTests.Nats.Broker;

public sealed class GoTextTests
{
    [Theory]
    [InlineData(0, "0s")]
    [InlineData(3, "300ns")]
    [InlineData(3820, "382µs")]
    [InlineData(3825, "382.5µs")]
    [InlineData(12_500, "1.25ms")]
    [InlineData(35_000_000, "3.5s")]
    [InlineData(620_000_000, "1m2s")]
    [InlineData(36_000_000_000, "1h0m0s")]
    public void Durations_look_as_Go_prints_them(long ticks, string expected) => Assert.Equal(expected, GoText.OfDuration(new TimeSpan(ticks)));

    [Theory]
    [InlineData(0, 0, 0, 4, "4s")]
    [InlineData(0, 0, 3, 4, "3m4s")]
    [InlineData(0, 2, 0, 4, "2h0m4s")]
    [InlineData(1, 2, 3, 4, "1d2h3m4s")]
    [InlineData(366, 0, 0, 1, "1y1d0h0m1s")]
    public void Uptimes_count_days(int days, int hours, int minutes, int seconds, string expected) =>
        Assert.Equal(expected, GoText.OfUptime(new TimeSpan(days, hours, minutes, seconds)));
}
