using System.Buffers;

namespace EdgeSync.Primitives;

/// <summary>
/// Keeps all lanes of a block hash busy with texts of different lengths: a lane whose text ends takes the next one,
/// long texts first so that the lanes end together. A lane without work reads the input of another, and its result is
/// dropped.
/// </summary>
internal static unsafe class LaneScheduler<THash>
    where THash : IBlockHash
{
    /// <summary>Writes the digests one behind the other, in the order of the messages.</summary>
    public static void Run(ReadOnlySpan<ReadOnlyMemory<byte>> messages, Span<byte> digests)
    {
        var order = ArrayPool<int>.Shared.Rent(messages.Length);
        var lengths = ArrayPool<int>.Shared.Rent(messages.Length);
        for (var i = 0; i < messages.Length; i++) (order[i], lengths[i]) = (i, -messages[i].Length);
        lengths.AsSpan(0, messages.Length).Sort(order.AsSpan(0, messages.Length));
        try
        {
            Run(messages, order.AsSpan(0, messages.Length), digests);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(order);
            ArrayPool<int>.Shared.Return(lengths);
        }
    }

    private static void Run(ReadOnlySpan<ReadOnlyMemory<byte>> messages, ReadOnlySpan<int> order, Span<byte> digests)
    {
        var room = stackalloc byte[LaneMemory.SizeOf<byte>(THash.StateSize * THash.Lanes)];
        var state = LaneMemory.Align<byte>(room);
        var tails = stackalloc byte[2 * THash.BlockSize * THash.Lanes];
        var texts = stackalloc byte*[THash.Lanes];
        var lanes = new Lane[THash.Lanes];
        var next = 0;
        try
        {
            for (var lane = 0; lane < lanes.Length; lane++)
                if (next < order.Length) Begin(ref lanes[lane], lane, messages, order[next++], state, tails, texts);

            while (TryPlan(lanes, texts, out var blocks))
            {
                THash.Take(state, texts, blocks);
                for (var lane = 0; lane < lanes.Length; lane++)
                {
                    ref var it = ref lanes[lane];
                    if (!it.IsBusy || (it.BlocksLeft -= blocks) > 0 || TryGoOnWithTail(ref it, lane, tails, texts))
                        continue;

                    THash.WriteDigest(state, lane, digests.Slice(it.Message * THash.DigestSize, THash.DigestSize));
                    it.Leave();
                    if (next < order.Length) Begin(ref it, lane, messages, order[next++], state, tails, texts);
                }
            }
        }
        finally
        {
            foreach (ref var lane in lanes.AsSpan()) lane.Leave();
        }
    }

    private static void Begin(
        ref Lane it, int lane, ReadOnlySpan<ReadOnlyMemory<byte>> messages, int message, byte* state, byte* tails,
        byte** texts)
    {
        var text = messages[message];
        var rest = text.Length % THash.BlockSize;
        var tail = new Span<byte>(tails + (2 * THash.BlockSize * lane), 2 * THash.BlockSize);
        tail.Clear();
        text.Span[^rest..].CopyTo(tail);

        THash.Start(state, lane);
        it = new Lane
        {
            IsBusy = true,
            Message = message,
            Pin = text.Pin(),
            BlocksLeft = text.Length / THash.BlockSize,
            TailBlocks = THash.Pad(tails + (2 * THash.BlockSize * lane), rest, text.Length),
        };
        texts[lane] = (byte*)it.Pin.Pointer;
        if (it.BlocksLeft == 0) TryGoOnWithTail(ref it, lane, tails, texts);
    }

    private static bool TryGoOnWithTail(ref Lane it, int lane, byte* tails, byte** texts)
    {
        if (it.TailBlocks == 0) return false;

        texts[lane] = tails + (2 * THash.BlockSize * lane);
        (it.BlocksLeft, it.TailBlocks) = (it.TailBlocks, 0);
        return true;
    }

    /// <summary>As many blocks as every busy lane has; idle lanes read the input of a busy one.</summary>
    private static bool TryPlan(ReadOnlySpan<Lane> lanes, byte** texts, out nint blocks)
    {
        blocks = nint.MaxValue;
        byte* busy = null;
        for (var lane = 0; lane < lanes.Length; lane++)
        {
            if (!lanes[lane].IsBusy) continue;
            blocks = Math.Min(blocks, lanes[lane].BlocksLeft);
            busy = texts[lane];
        }

        for (var lane = 0; lane < lanes.Length; lane++)
            if (!lanes[lane].IsBusy) texts[lane] = busy;
        return busy != null;
    }

    private struct Lane
    {
        public bool IsBusy;
        public int Message;
        public int TailBlocks;
        public nint BlocksLeft;
        public MemoryHandle Pin;

        public void Leave()
        {
            if (!IsBusy) return;
            IsBusy = false;
            Pin.Dispose();
        }
    }
}
