using System.Runtime.InteropServices;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>
/// The order in which stock's rebuild links: full texts by record id, each followed by the deltas made from it, depth
/// first. A few rows depend on it (titles of forum threads, events of technotes, adjusted times), so that ours is the
/// same.
/// </summary>
/// <remarks>
/// Spec: rebuild.c, rebuild_step; bag.c. Stock keeps the deltas of one text in a hash set and takes them in the order
/// of its slots; <see cref="SlotOrder"/> places them alike.
/// </remarks>
internal sealed class StockOrder
{
    private readonly long[] _rids;
    private readonly int[] _ranks;

    private StockOrder(long[] rids, int[] ranks) => (_rids, _ranks) = (rids, ranks);

    /// <summary>Place of a record in the order.</summary>
    public long RankOf(long rid)
    {
        var index = Array.BinarySearch(_rids, rid);
        return index < 0 ? long.MaxValue : _ranks[index];
    }

    /// <param name="rids">Ascending.</param>
    /// <param name="sources">The record that each is a delta of; 0 for a full text.</param>
    public static StockOrder Make(long[] rids, long[] sources)
    {
        var children = new Dictionary<long, List<long>>();
        for (var i = 0; i < rids.Length; i++)
        {
            if (sources[i] == 0) continue;
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(children, sources[i], out _);
            (list ??= []).Add(rids[i]);
        }

        var ranks = new int[rids.Length];
        Array.Fill(ranks, -1);
        var next = 0;
        var stack = new Stack<long>();
        void Walk(long root)
        {
            stack.Push(root);
            while (stack.TryPop(out var rid))
            {
                var index = Array.BinarySearch(rids, rid);
                if (index < 0 || ranks[index] >= 0) continue;
                ranks[index] = next++;
                if (!children.TryGetValue(rid, out var deltas)) continue;
                var ordered = SlotOrder(deltas);
                for (var i = ordered.Count - 1; i >= 0; i--) stack.Push(ordered[i]);
            }
        }

        for (var i = 0; i < rids.Length; i++)
            if (sources[i] == 0) Walk(rids[i]);

        // Cycles, and deltas of missing records.
        for (var i = 0; i < rids.Length; i++)
            if (ranks[i] < 0) Walk(rids[i]);
        return new StockOrder(rids, ranks);
    }

    /// <summary>The members of a hash set in the order of their slots, put in one after the other.</summary>
    internal static List<long> SlotOrder(List<long> members)
    {
        if (members.Count < 2) return members;
        var slots = new long[20];
        var used = 0;
        foreach (var member in members)
        {
            if (used + 1 >= slots.Length / 2)
            {
                var larger = new long[(slots.Length * 2) + 20];
                foreach (var old in slots)
                    if (old != 0) Put(larger, old);
                slots = larger;
            }

            Put(slots, member);
            used++;
        }

        return [.. slots.Where(slot => slot != 0)];
    }

    private static void Put(long[] slots, long member)
    {
        var slot = (int)(member * 101 % slots.Length);
        while (slots[slot] != 0) slot = slot + 1 == slots.Length ? 0 : slot + 1;
        slots[slot] = member;
    }
}
