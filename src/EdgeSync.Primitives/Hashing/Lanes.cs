using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EdgeSync.Primitives;

/// <summary>
/// The operations that the hash functions need on one word, or on several words side by side. One body of each
/// function, written over these, serves one text at a time and 2, 4 or 8 of them. Every implementation is inlined
/// whole.</summary>
// 512-bit vectors were measured and left out: SHA3 and SHA1 gained nothing (Zen 4), and the published binary, built for
// every x64 processor, would never use them.
internal interface ILanes<TWords>
    where TWords : unmanaged
{
    /// <summary>How many texts go side by side.</summary>
    static abstract int Count { get; }

    static abstract TWords Fill(ulong word);

    static abstract TWords Add(TWords a, TWords b);

    static abstract TWords Xor(TWords a, TWords b);

    static abstract TWords Or(TWords a, TWords b);

    static abstract TWords Not(TWords a);

    static abstract TWords RotateLeft(TWords a, [ConstantExpected] byte bits);

    /// <summary>Bit by bit <c>mask ? a : b</c>.</summary>
    static abstract TWords Choose(TWords mask, TWords a, TWords b);

    /// <summary>Bit by bit the majority of the three.</summary>
    static abstract TWords Majority(TWords a, TWords b, TWords c);

    static abstract TWords Xor3(TWords a, TWords b, TWords c);

    /// <summary><c>a ^ (~b &amp; c)</c>, the one nonlinear step of Keccak.</summary>
    static abstract TWords Chi(TWords a, TWords b, TWords c);
}

/// <summary>One 32-bit word.</summary>
internal readonly struct Word32 : ILanes<uint>
{
    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Fill(ulong word) => (uint)word;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Add(uint a, uint b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Xor(uint a, uint b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Or(uint a, uint b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Not(uint a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint RotateLeft(uint a, [ConstantExpected] byte bits) => BitOperations.RotateLeft(a, bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Choose(uint mask, uint a, uint b) => b ^ (mask & (a ^ b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Majority(uint a, uint b, uint c) => (a & b) | (c & (a | b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Xor3(uint a, uint b, uint c) => a ^ b ^ c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Chi(uint a, uint b, uint c) => a ^ (~b & c);
}

/// <summary>Four 32-bit words: SSE, NEON.</summary>
internal readonly struct Words32x4 : ILanes<Vector128<uint>>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Fill(ulong word) => Vector128.Create((uint)word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Add(Vector128<uint> a, Vector128<uint> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Xor(Vector128<uint> a, Vector128<uint> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Or(Vector128<uint> a, Vector128<uint> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Not(Vector128<uint> a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> RotateLeft(Vector128<uint> a, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(a, bits) : (a << bits) | (a >>> (32 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Choose(Vector128<uint> mask, Vector128<uint> a, Vector128<uint> b) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(mask, a, b, 0xca) : b ^ (mask & (a ^ b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Majority(Vector128<uint> a, Vector128<uint> b, Vector128<uint> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xe8) : (a & b) | (c & (a | b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Xor3(Vector128<uint> a, Vector128<uint> b, Vector128<uint> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0x96) : a ^ b ^ c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Chi(Vector128<uint> a, Vector128<uint> b, Vector128<uint> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xd2) : a ^ Vector128.AndNot(c, b);
}

/// <summary>Eight 32-bit words: AVX2.</summary>
internal readonly struct Words32x8 : ILanes<Vector256<uint>>
{
    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Fill(ulong word) => Vector256.Create((uint)word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Add(Vector256<uint> a, Vector256<uint> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Xor(Vector256<uint> a, Vector256<uint> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Or(Vector256<uint> a, Vector256<uint> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Not(Vector256<uint> a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateLeft(Vector256<uint> a, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(a, bits) : (a << bits) | (a >>> (32 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Choose(Vector256<uint> mask, Vector256<uint> a, Vector256<uint> b) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(mask, a, b, 0xca) : b ^ (mask & (a ^ b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Majority(Vector256<uint> a, Vector256<uint> b, Vector256<uint> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xe8) : (a & b) | (c & (a | b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Xor3(Vector256<uint> a, Vector256<uint> b, Vector256<uint> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0x96) : a ^ b ^ c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Chi(Vector256<uint> a, Vector256<uint> b, Vector256<uint> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xd2) : a ^ Vector256.AndNot(c, b);
}

/// <summary>One 64-bit word.</summary>
internal readonly struct Word64 : ILanes<ulong>
{
    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Fill(ulong word) => word;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Add(ulong a, ulong b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Xor(ulong a, ulong b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Or(ulong a, ulong b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Not(ulong a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong RotateLeft(ulong a, [ConstantExpected] byte bits) => BitOperations.RotateLeft(a, bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Choose(ulong mask, ulong a, ulong b) => b ^ (mask & (a ^ b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Majority(ulong a, ulong b, ulong c) => (a & b) | (c & (a | b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Xor3(ulong a, ulong b, ulong c) => a ^ b ^ c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Chi(ulong a, ulong b, ulong c) => a ^ (~b & c);
}

/// <summary>Two 64-bit words: SSE, NEON.</summary>
internal readonly struct Words64x2 : ILanes<Vector128<ulong>>
{
    public static int Count => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Fill(ulong word) => Vector128.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Add(Vector128<ulong> a, Vector128<ulong> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Xor(Vector128<ulong> a, Vector128<ulong> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Or(Vector128<ulong> a, Vector128<ulong> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Not(Vector128<ulong> a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> RotateLeft(Vector128<ulong> a, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(a, bits) : (a << bits) | (a >>> (64 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Choose(Vector128<ulong> mask, Vector128<ulong> a, Vector128<ulong> b) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(mask, a, b, 0xca) : b ^ (mask & (a ^ b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Majority(Vector128<ulong> a, Vector128<ulong> b, Vector128<ulong> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xe8) : (a & b) | (c & (a | b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Xor3(Vector128<ulong> a, Vector128<ulong> b, Vector128<ulong> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0x96) : a ^ b ^ c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Chi(Vector128<ulong> a, Vector128<ulong> b, Vector128<ulong> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xd2) : a ^ Vector128.AndNot(c, b);
}

/// <summary>Four 64-bit words: AVX2.</summary>
internal readonly struct Words64x4 : ILanes<Vector256<ulong>>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Fill(ulong word) => Vector256.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Add(Vector256<ulong> a, Vector256<ulong> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Xor(Vector256<ulong> a, Vector256<ulong> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Or(Vector256<ulong> a, Vector256<ulong> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Not(Vector256<ulong> a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> RotateLeft(Vector256<ulong> a, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(a, bits) : (a << bits) | (a >>> (64 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Choose(Vector256<ulong> mask, Vector256<ulong> a, Vector256<ulong> b) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(mask, a, b, 0xca) : b ^ (mask & (a ^ b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Majority(Vector256<ulong> a, Vector256<ulong> b, Vector256<ulong> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xe8) : (a & b) | (c & (a | b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Xor3(Vector256<ulong> a, Vector256<ulong> b, Vector256<ulong> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0x96) : a ^ b ^ c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Chi(Vector256<ulong> a, Vector256<ulong> b, Vector256<ulong> c) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(a, b, c, 0xd2) : a ^ Vector256.AndNot(c, b);
}
