using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Streams;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Streams;

public sealed class BufferTests
{
    [Test]
    public void Ranges_are_a_set_of_numbers() => Property.Check(prng =>
    {
        var set = new RangeSet();
        var model = new SortedSet<ulong>();
        for (var i = 0; i < 200; i++)
        {
            var start = (ulong)prng.NextInt32(200);
            var end = start + (ulong)prng.NextInt32(20);
            var adds = prng.Chance(0.6);
            if (adds) set.Add(start, end);
            else set.Remove(start, end);
            for (var number = start; number <= end; number++)
            {
                if (adds) model.Add(number);
                else model.Remove(number);
            }

            var read = new List<ulong>();
            ulong? last = null;
            foreach (var range in set.Items)
            {
                // Neighbours are joined.
                Assert.True(range.Start <= range.End && (last is null || range.Start > last + 1));
                for (var number = range.Start; number <= range.End; number++) read.Add(number);
                last = range.End;
            }

            Assert.True(model.SequenceEqual(read));
            Assert.Equal(model.Contains(start), set.Contains(start));
        }
    });

    [Test]
    public void Ranges_reach_to_the_largest_number()
    {
        var set = RangeSet.Of(ulong.MaxValue);
        set.Add(ulong.MaxValue - 1, ulong.MaxValue - 1);

        Assert.Equal(new NumberRange(ulong.MaxValue - 1, ulong.MaxValue), set.First);
        set.RemoveFirst();
        Assert.Equal(0, set.Count);
    }

    [Test]
    public void Bytes_that_arrive_in_any_order_are_read_in_their_own() => Property.Check(prng =>
    {
        var content = prng.NextBytes(prng.NextInt32(1, 20_000));
        using var buffer = new ReceiveBuffer();
        var read = new List<byte>();
        var target = new byte[3000];
        while (!buffer.IsAtEnd)
        {
            var start = prng.NextInt32(content.Length);
            var length = prng.NextInt32(1, Math.Min(3000, content.Length - start + 1));
            Assert.True(buffer.TryWrite((ulong)start, content.AsSpan(start, length)));
            if (prng.Chance(0.1)) Assert.True(buffer.TrySetFinalSize((ulong)content.Length));
            var count = buffer.Read(target.AsSpan(0, prng.NextInt32(target.Length)));
            read.AddRange(target.AsSpan(0, count));
        }

        Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
    });

    [Test]
    public void Bytes_in_too_many_pieces_are_refused()
    {
        using var buffer = new ReceiveBuffer();
        var taken = 0;
        while (buffer.TryWrite((ulong)(taken * 2) + 1, [1])) taken++;

        Assert.Equal(2048, taken);
    }

    [Test]
    public void A_final_size_stays_and_is_not_below_what_came()
    {
        using var buffer = new ReceiveBuffer();
        buffer.TryWrite(5, [1, 2, 3]);

        Assert.False(buffer.TrySetFinalSize(7));
        Assert.True(buffer.TrySetFinalSize(8));
        Assert.True(buffer.TrySetFinalSize(8));
        Assert.False(buffer.TrySetFinalSize(9));
    }

    [Test]
    public void What_was_discarded_is_not_kept()
    {
        using var buffer = new ReceiveBuffer();
        buffer.TryWrite(10, new byte[5000]);
        buffer.Discard();

        Assert.Equal(5010UL, buffer.ReadOffset);
        Assert.Equal(0, buffer.Readable);
    }

    [Test]
    public void What_is_lost_is_sent_again_until_all_is_acknowledged() => Property.Check(prng =>
    {
        using var buffer = new SendBuffer(8000);
        var content = prng.NextBytes(prng.NextInt32(30_000));
        var (written, arrived, ended) = (0, new byte[content.Length], false);
        var inFlight = new List<(ulong Offset, int Length, bool Fin)>();
        while (!buffer.IsDone)
        {
            var finishes = written + buffer.Room >= content.Length;
            var piece = content.AsSpan(written, Math.Min(buffer.Room, content.Length - written));
            if (!buffer.IsFinished) written += buffer.Write(piece, finishes);
            if (buffer.TryPeek(ulong.MaxValue, out var offset, out var available, out _) && inFlight.Count < 20)
            {
                var length = (int)Math.Min(available, (ulong)prng.NextInt32(1, 1500));
                var fin = buffer.IsEnd(offset + (ulong)length);
                buffer.Read(offset, arrived.AsSpan((int)offset, length));
                buffer.OnSent(offset, length);
                inFlight.Add((offset, length, fin));
                continue;
            }

            var frame = prng.Pick<(ulong Offset, int Length, bool Fin)>([.. inFlight]);
            inFlight.Remove(frame);
            if (prng.Chance(0.3))
            {
                buffer.OnLost(frame.Offset, frame.Length, frame.Fin);
                continue;
            }

            buffer.OnAcked(frame.Offset, frame.Length, frame.Fin);
            ended |= frame.Fin;
        }

        Assert.True(ended);
        Assert.Equal(content.Length, written);
        Assert.True(content.AsSpan().SequenceEqual(arrived));
    });

    [Test]
    public void New_bytes_stay_below_the_limit_and_lost_ones_need_none()
    {
        using var buffer = new SendBuffer(1000);
        buffer.Write(new byte[500], finish: false);

        Assert.True(buffer.TryPeek(100, out _, out var available, out var isNew));
        Assert.Equal((100UL, true), (available, isNew));
        buffer.OnSent(0, 100);
        Assert.False(buffer.TryPeek(100, out _, out _, out _));
        buffer.OnLost(20, 30, fin: false);
        Assert.True(buffer.TryPeek(100, out var offset, out available, out isNew));
        Assert.Equal((20UL, 30UL, false), (offset, available, isNew));
    }

    [Test]
    public void A_window_begins_as_large_as_it_was_used_and_shrinks_by_halves()
    {
        using var window = new ByteWindow();
        window.Reserve(0, 0, 1_000_000);
        Assert.Equal(1 << 20, window.Capacity);
        window.Dispose();
        Assert.Equal(0, window.Capacity);

        window.Reserve(0, 0, 100);
        Assert.Equal(1 << 20, window.Capacity);
        window.Dispose();
        window.Reserve(0, 0, 100);
        Assert.Equal(1 << 19, window.Capacity);
        for (var i = 0; i < 12; i++)
        {
            window.Dispose();
            window.Reserve(0, 0, 100);
        }

        Assert.Equal(2048, window.Capacity);
        window.Reserve(0, 100, 5_000_000);
        window.Dispose();
        window.Reserve(0, 0, 100);
        Assert.Equal(2 << 20, window.Capacity);
    }
}
