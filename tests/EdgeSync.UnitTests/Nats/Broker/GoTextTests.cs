using EdgeSync.Nats.Broker.Monitoring;

namespace EdgeSync.UnitTests.Nats.Broker;

public sealed class GoTextTests
{
    [Test]
    [Arguments(0, "0s")]
    [Arguments(3, "300ns")]
    [Arguments(3820, "382µs")]
    [Arguments(3825, "382.5µs")]
    [Arguments(12_500, "1.25ms")]
    [Arguments(35_000_000, "3.5s")]
    [Arguments(620_000_000, "1m2s")]
    [Arguments(36_000_000_000, "1h0m0s")]
    public void Durations_look_as_Go_prints_them(long ticks, string expected) =>
        Assert.Equal(expected, GoText.OfDuration(new TimeSpan(ticks)));

    [Test]
    [Arguments(0, 0, 0, 4, "4s")]
    [Arguments(0, 0, 3, 4, "3m4s")]
    [Arguments(0, 2, 0, 4, "2h0m4s")]
    [Arguments(1, 2, 3, 4, "1d2h3m4s")]
    [Arguments(366, 0, 0, 1, "1y1d0h0m1s")]
    public void Uptimes_count_days(int days, int hours, int minutes, int seconds, string expected) =>
        Assert.Equal(expected, GoText.OfUptime(new TimeSpan(days, hours, minutes, seconds)));
}
