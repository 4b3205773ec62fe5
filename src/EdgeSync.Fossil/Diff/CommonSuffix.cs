using System.Numerics;

namespace EdgeSync.Fossil.Diff;

/// <summary>What two spans end with, a vector at a time: the counterpart of <c>CommonPrefixLength</c>.</summary>
internal static class CommonSuffix
{
    public static int Length<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right)
        where T : struct, IEquatable<T>
    {
        var max = Math.Min(left.Length, right.Length);
        left = left[^max..];
        right = right[^max..];
        var length = 0;
        for (var width = Vector<T>.Count; max - length >= width; length += width)
        {
            var at = max - length - width;
            if (!Vector.EqualsAll(new Vector<T>(left[at..]), new Vector<T>(right[at..]))) break;
        }

        while (length < max && left[max - length - 1].Equals(right[max - length - 1])) length++;
        return length;
    }
}
