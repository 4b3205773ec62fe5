using EdgeSync.Primitives;
using EdgeSync.Tests.Support;
using Linq = System.Linq.Enumerable;

namespace EdgeSync.UnitTests.Primitives;

/// <summary>Each operator against the one of System.Linq that it stands for.</summary>
public class SequencesTests
{
    [Test]
    public void Every_operator_gives_what_that_of_Linq_gives() => Property.Check(prng =>
    {
        var items = Some(prng);
        var others = Some(prng);
        var count = prng.NextInt32(-1, 25);

        Assert.Equal(Linq.Select(items, i => i.Key * 2), Sequences.Select(items, i => i.Key * 2));
        Assert.Equal(Linq.Select(items, (i, at) => i.Key + at), Sequences.Select(items, (i, at) => i.Key + at));
        Assert.Equal(Linq.SelectMany(items, i => new int[i.Key]), Sequences.SelectMany(items, i => new int[i.Key]));
        Assert.Equal(Linq.Where(items, i => i.Key > 3), Sequences.Where(items, i => i.Key > 3));
        Assert.Equal(Linq.Skip(items, count), Sequences.Skip(items, count));
        Assert.Equal(Linq.Take(items, count), Sequences.Take(items, count));
        Assert.Equal(Linq.Concat(items, others), Sequences.Concat(items, others));
        Assert.Equal(Linq.Distinct(Linq.Select(items, i => i.Key)), Sequences.Distinct(Linq.Select(items, i => i.Key)));
        Assert.Equal(Linq.Order(items), Sequences.Order(items));
        Assert.Equal(Linq.OrderBy(items, i => i.Key), Sequences.OrderBy(items, i => i.Key));
        Assert.Equal(Linq.OrderBy(items, i => i.Key, Downwards), Sequences.OrderBy(items, i => i.Key, Downwards));
        Assert.Equal(Linq.OrderByDescending(items, i => i.Key), Sequences.OrderByDescending(items, i => i.Key));
    });

    [Test]
    public void Comparers_are_asked()
    {
        string[] words = ["b", "A", "a", "B"];
        Assert.Equal(["A", "B", "a", "b"], Sequences.Order(words, StringComparer.Ordinal));
        Assert.Equal(["b", "A"], Sequences.Distinct(words, StringComparer.OrdinalIgnoreCase));
    }

    [Test]
    public void Take_asks_for_no_more_than_it_gives()
    {
        Assert.Equal([1, 2], Sequences.Take(OneTwoThenFail(), 2));

        static IEnumerable<int> OneTwoThenFail()
        {
            yield return 1;
            yield return 2;
            throw new InvalidOperationException("asked for a third");
        }
    }

    private static Comparer<int> Downwards => Comparer<int>.Create((a, b) => b.CompareTo(a));

    // Few keys, so that many are equal and stability shows in the second member.
    private static (int Key, int At)[] Some(Prng prng)
    {
        var items = new (int Key, int At)[prng.NextInt32(20)];
        for (var i = 0; i < items.Length; i++) items[i] = (prng.NextInt32(6), i);
        return items;
    }
}
