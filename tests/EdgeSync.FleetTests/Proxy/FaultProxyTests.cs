using TUnit.Core.Interfaces;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EdgeSync.Primitives;

namespace EdgeSync.FleetTests.Proxy;

/// <summary>The cable alone, before anything is judged by means of it.</summary>
public sealed class FaultProxyTests : IAsyncInitializer, IAsyncDisposable
{
    private readonly EchoServer _echo = new();
    private readonly FaultProxy _proxy = new(seed: 5);

    private Link Link { get; set; } = null!;

    public Task InitializeAsync()
    {
        Link = _proxy.Add("cable", _echo.Port);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _echo.DisposeAsync();
    }

    [Test]
    public async Task Carries_every_byte_both_ways_and_counts_them()
    {
        var sent = new Prng(1).NextBytes(3_000_000);
        using var socket = await DialAsync();

        var (received, _) = await (ReceiveAsync(socket, sent.Length), SendAsync(socket, sent)).Both();

        Assert.Equal(sent, received);
        Assert.Equal((sent.Length, sent.Length), (Link.Up.Bytes, Link.Down.Bytes));
    }

    [Test]
    public async Task A_cut_resets_what_is_open_and_what_comes_until_it_heals()
    {
        using var before = await DialAsync();
        await EchoAsync(before, 10);

        Link.Cut();

        Assert.True(await IsResetAsync(before));
        Assert.True(await IsRefusedAsync(Link));
        Link.Heal();
        using var after = await DialAsync();
        Assert.Equal(10, (await EchoAsync(after, 10)).Length);
    }

    [Test]
    [Arguments(null)]
    [Arguments("Up")]
    [Arguments("Down")]
    public async Task A_stall_delays_bytes_and_loses_none(string? direction)
    {
        using var socket = await DialAsync();
        await EchoAsync(socket, 10);
        Link.Stall(direction is null ? null : Enum.Parse<Direction>(direction));

        var echoed = EchoAsync(socket, 1000);
        await Assert.ThrowsAsync<TimeoutException>(() => AWhile(echoed));
        Link.Heal();

        Assert.Equal(1000, (await echoed).Length);
    }

    [Test]
    public async Task A_stalled_link_accepts_no_new_connection()
    {
        Link.Stall();
        using var socket = await DialAsync();

        var echoed = EchoAsync(socket, 10);
        await Assert.ThrowsAsync<TimeoutException>(() => AWhile(echoed));
        Link.Heal();

        Assert.Equal(10, (await echoed).Length);
    }

    [Test]
    public async Task A_reset_ends_what_is_open_and_the_next_attempt_passes()
    {
        using var first = await DialAsync();
        await EchoAsync(first, 10);

        Link.Reset();

        Assert.True(await IsResetAsync(first));
        using var second = await DialAsync();
        Assert.Equal(10, (await EchoAsync(second, 10)).Length);
    }

    [Test]
    public async Task A_reset_can_fall_into_the_middle_of_a_message()
    {
        using var socket = await DialAsync();
        Link.ResetAfter(Direction.Down, 70_000);

        await SendAsync(socket, new byte[100_000]);

        var received = await ReceiveUntilEndAsync(socket);
        Assert.InRange(received, 0, 70_000);
        Assert.Equal(70_000, Link.Down.Bytes);
        using var next = await DialAsync();
        Assert.Equal(10, (await EchoAsync(next, 10)).Length);
    }

    [Test]
    public async Task A_shaped_link_is_as_slow_as_its_profile()
    {
        Link.Shape(LinkProfile.Of("3g"));
        using var socket = await DialAsync();
        var watch = Stopwatch.StartNew();

        await EchoAsync(socket, 37_500);

        // 0.1 s on the wire each way, and a round trip of 0.2 s.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.39, 10);
    }

    [Test]
    public async Task A_lossy_link_loses_no_byte_of_the_stream()
    {
        Link.Shape(LinkProfile.Of("worst") with { MegabitsPerSecond = 50, RoundTrip = TimeSpan.FromMilliseconds(4) });
        using var socket = await DialAsync();
        var sent = new Prng(2).NextBytes(60_000);

        var (received, _) = await (ReceiveAsync(socket, sent.Length), SendAsync(socket, sent)).Both();

        Assert.Equal(sent, received);
    }

    [Test]
    public async Task A_missing_target_resets_and_a_closing_one_closes()
    {
        var dead = _proxy.Add("dead", Tests.Support.Ports.Free());
        Assert.True(await IsRefusedAsync(dead));

        using var live = await DialAsync();
        await EchoAsync(live, 10);
        live.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await live.ReceiveAsync(new byte[10], TestContext.Current!.Execution.CancellationToken));
    }

    [Test]
    public void Every_act_is_logged_with_its_time_and_its_link()
    {
        Link.Shape(LinkProfile.Of("lte"));
        Link.Delay(TimeSpan.FromMilliseconds(5));
        Link.Stall(Direction.Up);
        Link.Cut();
        Link.Reset();
        _proxy.HealAll();

        Assert.Equal(
            ["shape lte", "delay 5 ms", "stall up", "cut", "reset of 0", "heal"],
            _proxy.Log.Lines.Select(line => line[(line.IndexOf("cable", StringComparison.Ordinal) + 5)..].Trim()));
        Assert.All(_proxy.Log.Lines, line => Assert.True(double.TryParse(line.AsSpan(0, 8), out _)));
    }

    private Task<Socket> DialAsync() => DialAsync(Link);

    private static async Task<Socket> DialAsync(Link link)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, link.Port, TestContext.Current!.Execution.CancellationToken);
        return socket;
    }

    /// <summary>The reset may come before the dialler has seen that it is connected.</summary>
    private static async Task<bool> IsRefusedAsync(Link link)
    {
        try
        {
            using var socket = await DialAsync(link);
            return await IsResetAsync(socket);
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionReset;
        }
    }

    private static Task AWhile(Task task) =>
        task.WaitAsync(TimeSpan.FromMilliseconds(150), TestContext.Current!.Execution.CancellationToken);

    private static async Task<byte[]> EchoAsync(Socket socket, int byteCount)
    {
        await SendAsync(socket, new byte[byteCount]);
        return await ReceiveAsync(socket, byteCount);
    }

    private static async Task<bool> SendAsync(Socket socket, byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += await socket.SendAsync(bytes.AsMemory(sent), TestContext.Current!.Execution.CancellationToken);
        return true;
    }

    private static async Task<byte[]> ReceiveAsync(Socket socket, int byteCount)
    {
        var bytes = new byte[byteCount];
        for (var held = 0; held < byteCount;)
        {
            var count = await socket.ReceiveAsync(
                bytes.AsMemory(held), TestContext.Current!.Execution.CancellationToken);
            if (count == 0) throw new EndOfStreamException($"the end after {held} of {byteCount} bytes");
            held += count;
        }

        return bytes;
    }

    private static async Task<int> ReceiveUntilEndAsync(Socket socket)
    {
        var held = 0;
        try
        {
            var buffer = new byte[8192];
            while (await socket.ReceiveAsync(
                buffer, TestContext.Current!.Execution.CancellationToken) is > 0 and var count)
                held += count;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What was under way is lost with the connection.
        }

        return held;
    }

    private static async Task<bool> IsResetAsync(Socket socket)
    {
        try
        {
            await socket.ReceiveAsync(new byte[1], TestContext.Current!.Execution.CancellationToken);
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted;
        }
    }
}

internal static class TwoTasks
{
    public static async Task<(T1, T2)> Both<T1, T2>(this (Task<T1> First, Task<T2> Second) tasks)
    {
        await Task.WhenAll(tasks.First, tasks.Second);
        return (await tasks.First, await tasks.Second);
    }
}
