using System.Runtime.CompilerServices;

namespace EdgeSync.Primitives;

/// <summary>
/// Room on the stack for rows of lanes, aligned to a cache line: a 64-byte vector that crosses one costs twice
/// (benchmark HashBatch: SHA3 over eight lanes).
/// </summary>
internal static unsafe class LaneMemory
{
    private const int Alignment = 64;

    /// <summary>Bytes to allocate, so that <see cref="Align"/> finds an aligned place for so many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SizeOf<T>(int count)
        where T : unmanaged => (count * sizeof(T)) + Alignment;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Align<T>(byte* memory)
        where T : unmanaged => (T*)(((nuint)memory + Alignment - 1) & ~(nuint)(Alignment - 1));
}
