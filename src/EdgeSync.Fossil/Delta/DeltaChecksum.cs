using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EdgeSync.Fossil.Delta;

/// <summary>The sum of a text's big-endian 32-bit words, modulo 2^32, the last word padded with zeros.</summary>
internal static class DeltaChecksum
{
    public static uint Compute(ReadOnlySpan<byte> text)
    {
        uint sum = 0;
        var words = MemoryMarshal.Cast<byte, uint>(text);
        if (Vector128.IsHardwareAccelerated && words.Length >= 16)
            sum = SumVectors(ref words);
        foreach (var word in words)
            sum += BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;

        var rest = text[(text.Length & ~3)..];
        for (var i = 0; i < rest.Length; i++) sum += (uint)rest[i] << (24 - (8 * i));
        return sum;
    }

    private static uint SumVectors(ref ReadOnlySpan<uint> words)
    {
        var vectors = MemoryMarshal.Cast<uint, Vector128<uint>>(words);
        var swap = Vector128.Create(
            (byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
        var sums = Vector128<uint>.Zero;
        var keep = !BitConverter.IsLittleEndian;
        foreach (var vector in vectors)
        {
            sums += keep
                ? vector
                : Vector128.Shuffle(vector.AsByte(), swap).AsUInt32();
        }

        words = words[(vectors.Length * 4)..];
        return Vector128.Sum(sums);
    }
}
