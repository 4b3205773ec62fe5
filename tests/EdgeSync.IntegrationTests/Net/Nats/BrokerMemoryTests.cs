using EdgeSync.Net.Nats;

namespace EdgeSync.IntegrationTests.Net.Nats;

public sealed class BrokerMemoryTests
{
    [Test]
    [Arguments(96, 12)]
    [Arguments(1024, 128)]
    [Arguments(24_000, 192)]
    [Arguments(0, 4)]
    public void An_eighth_of_the_memory_may_wait_within_bounds(long availableMib, long expectedMib) =>
        Assert.Equal(expectedMib << 20, BrokerMemory.PendingBytesFor(availableMib << 20));
}
