using System.Text;
using EdgeSync.Net.Http;

namespace EdgeSync.IntegrationTests.Net;

public sealed class ByteBudgetTests
{
    private const string Head =
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-fossil-uncompressed\r\n";

    [Test]
    [Arguments(96L << 20, 24L << 20)]
    [Arguments(16L << 20, 8L << 20)]
    [Arguments(64L << 30, 2L << 30)]
    public void Is_a_quarter_of_the_memory_within_bounds(long available, long expected) =>
        Assert.Equal(expected, ByteBudget.BytesFor(available));

    [Test]
    public void A_share_grows_to_the_budget_and_returns_it()
    {
        var budget = new ByteBudget(1_000_000);
        var first = budget.Open();
        using var second = budget.Open();

        Assert.True(first.TryGrow(600_000));
        Assert.False(second.TryGrow(600_000));
        Assert.False(second.IsBeyondAll(600_000));
        Assert.True(second.IsBeyondAll(1_000_001));
        first.Dispose();
        Assert.True(second.TryGrow(600_000));
        Assert.True(budget.Taken is >= 600_000 and <= 1_000_000);
        second.Dispose();

        Assert.Equal(0, budget.Taken);
    }

    [Test]
    public void Of_too_many_unfinished_transfers_the_oldest_of_the_busiest_address_is_ended()
    {
        var budget = new ByteBudget(1_000_000);   // sixteen transfers
        var evicted = new List<string>();
        for (var i = 0; i < 9; i++) Open("192.0.2.1", i);
        Assert.Equal(["192.0.2.1/0"], evicted);   // half of them for one address

        for (var i = 0; i < 7; i++) Open("192.0.2.2", i);
        for (var i = 0; i < 3; i++) Open("192.0.2.3", i);

        Assert.Equal(["192.0.2.1/0", "192.0.2.1/1", "192.0.2.1/2"], evicted);

        void Open(string address, int i) =>
            budget.OpenUnfinished(System.Net.IPAddress.Parse(address), () => evicted.Add($"{address}/{i}"));
    }

    [Test]
    public void Small_steps_reach_the_same_end()
    {
        var budget = new ByteBudget(300_000);
        using var share = budget.Open();
        for (var i = 0; i < 300; i++) Assert.True(share.TryGrow(1000));

        Assert.False(share.TryGrow(1));
        Assert.Equal(300_000, budget.Taken);
    }

    [Test]
    [Arguments("Content-Length: 200001\r\n\r\n")]
    [Arguments("Transfer-Encoding: chunked\r\n\r\n")]
    public async Task A_message_beyond_all_memory_gets_413(string framing)
    {
        await using var server = await TestServer.StartAsync(o => o with { Memory = new ByteBudget(200_000) });
        var body = framing.StartsWith('C') ? "" : $"30d41\r\n{new string('a', 200_001)}\r\n0\r\n\r\n";

        Assert.StartsWith("HTTP/1.1 413 ", await server.RawAsync(Head + framing + body));
        Assert.Empty(server.Requests);
    }

    [Test]
    public async Task A_message_without_room_gets_503_and_fits_later()
    {
        var budget = new ByteBudget(200_000);
        await using var server = await TestServer.StartAsync(o => o with { Memory = budget });
        var isIn = new TaskCompletionSource();
        var mayGo = new TaskCompletionSource();
        server.Answer = async (request, _) =>
        {
            isIn.TrySetResult();
            await mayGo.Task;
            return new XferHttpReply(200, request.ContentType, Encoding.ASCII.GetBytes("done"));
        };
        var message = $"{Head}Content-Length: 150000\r\n\r\n{new string('a', 150_000)}";
        var first = server.RawAsync(message);
        await isIn.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current!.Execution.CancellationToken);

        var second = await server.RawAsync(message);
        Assert.StartsWith("HTTP/1.1 503 ", second);
        Assert.Contains("Retry-After: 1\r\n", second, StringComparison.Ordinal);

        mayGo.SetResult();
        Assert.EndsWith("done", await first, StringComparison.Ordinal);
        Assert.EndsWith("done", await server.RawAsync(message), StringComparison.Ordinal);
        Assert.Equal(0, budget.Taken);
    }
}
