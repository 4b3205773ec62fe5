using EdgeSync.Can.Sync.Records;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class HybridClockTests
{
    private static readonly Instant Today = Instant.FromUnixSeconds(1_760_000_000);
    private static readonly TimeSpan Years = TimeSpan.FromDays(3650);

    [Test]
    public void Stamps_grow_while_the_clock_stands()
    {
        var clock = new HybridClock(new StoreId(1));

        var one = clock.Next(Today, default);
        var two = clock.Next(Today, default);

        Assert.True(two > one);
        Assert.Equal(Today.UnixMilliseconds, one.UnixMilliseconds);
    }

    [Test]
    public void A_write_is_later_than_what_it_replaces_however_wrong_that_was()
    {
        var clock = new HybridClock(new StoreId(1));
        var future = new Stamp((ulong)(Today + Years).UnixMilliseconds << 16, new StoreId(9));

        Assert.True(clock.Next(Today, future) > future);
        // Other fields are not written in the future because of it.
        clock.Observe(Today, future);
        Assert.Equal(Today.UnixMilliseconds, clock.Next(Today, default).UnixMilliseconds);
    }

    [Test]
    public void A_stamp_that_is_a_little_ahead_moves_the_clock()
    {
        var clock = new HybridClock(new StoreId(1));
        var ahead = new Stamp((ulong)(Today + TimeSpan.FromMinutes(5)).UnixMilliseconds << 16, new StoreId(9));
        clock.Observe(Today, ahead);

        Assert.True(clock.Next(Today, default) > ahead);
    }

    [Test]
    public void A_jump_of_the_own_clock_lasts_as_long_as_the_jump()
    {
        var clock = new HybridClock(new StoreId(1));
        clock.Next(Today + Years, default);

        Assert.Equal(Today.UnixMilliseconds, clock.Next(Today, default).UnixMilliseconds);
    }

    [Test]
    public void One_wrong_clock_moves_nobody_and_two_right_ones_correct_it()
    {
        var right = new PeerClocks();
        right.Observe(new StoreId(1), Today, Today + Years);
        Assert.Equal(TimeSpan.Zero, right.Correction);
        right.Observe(new StoreId(2), Today, Today + TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, right.Correction);

        var wrong = new PeerClocks();
        wrong.Observe(new StoreId(1), Today + Years, Today);
        Assert.Equal(TimeSpan.Zero, wrong.Correction);
        Assert.True(wrong.Observe(new StoreId(2), Today + Years, Today + TimeSpan.FromSeconds(1)));
        Assert.Equal(Today + TimeSpan.FromSeconds(1), wrong.Correct(Today + Years));

        // And when it is right again, nothing is added any longer.
        wrong.Observe(new StoreId(1), Today, Today);
        wrong.Observe(new StoreId(2), Today, Today);
        Assert.Equal(TimeSpan.Zero, wrong.Correction);
    }
}
