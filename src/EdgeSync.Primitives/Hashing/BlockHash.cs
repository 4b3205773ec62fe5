namespace EdgeSync.Primitives;

/// <summary>
/// A hash function as its inner loop: a state of words for each lane, fed whole blocks. <c>state</c> holds
/// <see cref="StateSize"/> × <see cref="Lanes"/> bytes, word 0 of every lane, then word 1 of every lane, and so on.
/// </summary>
internal unsafe interface IBlockHash
{
    static abstract int Lanes { get; }

    static abstract int BlockSize { get; }

    /// <summary>Bytes of state of one lane.</summary>
    static abstract int StateSize { get; }

    static abstract int DigestSize { get; }

    /// <summary>Sets one lane to the state of an empty text.</summary>
    static abstract void Start(byte* state, int lane);

    /// <summary>
    /// Takes <paramref name="blocks"/> blocks in every lane, each from its own pointer, which advances.
    /// </summary>
    static abstract void Take(byte* state, byte** texts, nint blocks);

    /// <summary>
    /// Completes the last bytes of a text: writes padding behind the <paramref name="rest"/> bytes in
    /// <paramref name="tail"/> (two blocks long, zero behind the rest); returns how many blocks are to be taken.
    /// </summary>
    static abstract int Pad(byte* tail, int rest, long length);

    static abstract void WriteDigest(byte* state, int lane, Span<byte> target);
}
