namespace EdgeSync;

/// <summary>
/// The lazy operators of System.Linq for all of EdgeSync: being in the namespace that encloses every other of ours, they
/// are found before those of System.Linq, and mean the same. What is not here (<c>ToList</c>, <c>Any</c>, <c>GroupBy</c>) is
/// System.Linq's own.
/// </summary>
// System.Linq's are types with a generic virtual Select: under AOT each element type that is a struct is compiled against
// each result type that is used anywhere, and with Skip, Take and six forms of Where besides. That was 2.6 of 13 MB of code
// by Select alone (scripts/dev.sh size). The runtime of .NET 10 has a switch for it.
public static class Sequences
{
    public static IEnumerable<TResult> Select<T, TResult>(this IEnumerable<T> source, Func<T, TResult> selector)
    {
        foreach (var item in source) yield return selector(item);
    }

    /// <summary>With the position, from 0.</summary>
    public static IEnumerable<TResult> Select<T, TResult>(this IEnumerable<T> source, Func<T, int, TResult> selector)
    {
        var index = 0;
        foreach (var item in source) yield return selector(item, index++);
    }

    public static IEnumerable<TResult> SelectMany<T, TResult>(this IEnumerable<T> source, Func<T, IEnumerable<TResult>> selector)
    {
        foreach (var item in source)
        {
            foreach (var result in selector(item)) yield return result;
        }
    }

    public static IEnumerable<T> Where<T>(this IEnumerable<T> source, Func<T, bool> predicate)
    {
        foreach (var item in source)
        {
            if (predicate(item)) yield return item;
        }
    }

    public static IEnumerable<T> Skip<T>(this IEnumerable<T> source, int count)
    {
        foreach (var item in source)
        {
            if (count-- <= 0) yield return item;
        }
    }

    public static IEnumerable<T> Take<T>(this IEnumerable<T> source, int count)
    {
        if (count <= 0) yield break;
        foreach (var item in source)
        {
            yield return item;
            if (--count == 0) yield break;
        }
    }

    public static IEnumerable<T> Concat<T>(this IEnumerable<T> first, IEnumerable<T> second)
    {
        foreach (var item in first) yield return item;
        foreach (var item in second) yield return item;
    }

    public static IEnumerable<T> Distinct<T>(this IEnumerable<T> source) => source.Distinct(null);

    public static IEnumerable<T> Distinct<T>(this IEnumerable<T> source, IEqualityComparer<T>? comparer)
    {
        var seen = new HashSet<T>(comparer);
        foreach (var item in source)
        {
            if (seen.Add(item)) yield return item;
        }
    }

    /// <summary>Equal ones stay in their order, here and in all that sort.</summary>
    public static IEnumerable<T> Order<T>(this IEnumerable<T> source) => Sorted(source, item => item, null, descending: false);

    public static IEnumerable<T> Order<T>(this IEnumerable<T> source, IComparer<T>? comparer) =>
        Sorted(source, item => item, comparer, descending: false);

    public static IEnumerable<T> OrderBy<T, TKey>(this IEnumerable<T> source, Func<T, TKey> key) => Sorted(source, key, null, descending: false);

    public static IEnumerable<T> OrderBy<T, TKey>(this IEnumerable<T> source, Func<T, TKey> key, IComparer<TKey>? comparer) =>
        Sorted(source, key, comparer, descending: false);

    public static IEnumerable<T> OrderByDescending<T, TKey>(this IEnumerable<T> source, Func<T, TKey> key) =>
        Sorted(source, key, null, descending: true);

    // The positions are sorted, not the items: one kind of sorting for all types, and the position settles what is equal.
    private static IEnumerable<T> Sorted<T, TKey>(IEnumerable<T> source, Func<T, TKey> key, IComparer<TKey>? comparer, bool descending)
    {
        var items = new List<T>();   // filled one by one: a concurrent dictionary may grow between its count and its copy
        foreach (var item in source) items.Add(item);

        var keys = new TKey[items.Count];
        var positions = new int[items.Count];
        for (var i = 0; i < positions.Length; i++) (keys[i], positions[i]) = (key(items[i]), i);

        var order = comparer ?? Comparer<TKey>.Default;
        Array.Sort(positions, (a, b) =>
        {
            var compared = order.Compare(keys[a], keys[b]);
            if (compared == 0) return a.CompareTo(b);
            return compared > 0 == descending ? -1 : 1;
        });
        foreach (var position in positions) yield return items[position];
    }
}
