using System.Numerics;

namespace EdgeSync.Storage.Content;

/// <summary>
/// Arrays for texts, kept for the next text of about the same size. The shared pool of the runtime rounds up to powers
/// of two and drops large arrays at every full collection, which large arrays themselves cause: reading ten thousand
/// manifests of 150 kB through it allocated 60 GB.
/// </summary>
internal static class ContentBuffers
{
    private const int SmallestClass = 256;
    private const int LargestKept = 8 * 1024 * 1024;
    private const int Huge = 32 * 1024 * 1024;
    private const long KeptBytesMax = 12 * 1024 * 1024;
    private const int ClassesPerDoubling = 8;

    private static readonly object Gate = new();
    private static readonly Stack<byte[]>?[] Free = new Stack<byte[]>?[IndexOf(LargestKept) + 1];
    private static long _keptBytes;
    private static int _dropFrom;

    public static byte[] Rent(int length)
    {
        if (length == 0) return [];
        if (length > LargestKept)
        {
            // The previous text may be garbage by now: the memory limit counts one of them at a time.
            if (length >= Huge) MemoryTrimmer.Trim(always: false);
            return GC.AllocateUninitializedArray<byte>(length);
        }

        var index = IndexOf(length);
        lock (Gate)
        {
            if (Free[index] is { Count: > 0 } stack)
            {
                var array = stack.Pop();
                _keptBytes -= array.Length;
                return array;
            }
        }

        return GC.AllocateUninitializedArray<byte>(SizeOf(index));
    }

    public static void Return(byte[] array)
    {
        if (array.Length is 0 or > LargestKept) return;

        var index = IndexOf(array.Length);
        lock (Gate)
        {
            while (_keptBytes + array.Length > KeptBytesMax) DropOne(except: index);

            (Free[index] ??= new Stack<byte[]>()).Push(array);
            _keptBytes += array.Length;
        }
    }

    /// <summary>Drops all of them.</summary>
    public static void Clear()
    {
        lock (Gate)
        {
            foreach (var stack in Free) stack?.Clear();
            _keptBytes = 0;
        }
    }

    // Sizes drift with the texts in use: unused classes are dropped, one after the other.
    private static void DropOne(int except)
    {
        for (var tries = 0; tries < Free.Length; tries++)
        {
            _dropFrom = (_dropFrom + 1) % Free.Length;
            if (_dropFrom == except || Free[_dropFrom] is not { Count: > 0 } stack) continue;

            _keptBytes -= stack.Pop().Length;
            return;
        }

        _keptBytes -= Free[except]!.Pop().Length;
    }

    // Eight classes between a power of two and the next: at most an eighth of an array is unused.
    private static int IndexOf(int length)
    {
        if (length <= SmallestClass) return 0;

        var exponent = BitOperations.Log2((uint)length - 1);
        var step = (length - 1 - (1 << exponent)) >> (exponent - 3);
        return ((exponent - 8) * ClassesPerDoubling) + step + 1;
    }

    private static int SizeOf(int index)
    {
        if (index == 0) return SmallestClass;

        var (exponent, step) = (((index - 1) / ClassesPerDoubling) + 8, (index - 1) % ClassesPerDoubling);
        return (1 << exponent) + ((step + 1) << (exponent - 3));
    }
}
