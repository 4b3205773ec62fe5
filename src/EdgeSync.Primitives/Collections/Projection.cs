namespace EdgeSync;

/// <summary>
/// <c>Select</c> for all of EdgeSync: being in the namespace that encloses every other of ours, it is found before the one
/// of System.Linq.
/// </summary>
// System.Linq's is a generic virtual method: under AOT each element type that is a struct is compiled against each result
// type that is used anywhere. That was 2.6 of 13 MB of code (scripts/dev.sh size). The runtime of .NET 10 has a switch for it.
public static class Projection
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
}
