namespace EdgeSync.Primitives;

/// <summary>One text that comes in pieces, over a block hash of one lane.</summary>
internal sealed unsafe class BlockHasher<THash>
    where THash : IBlockHash
{
    private readonly byte[] _state = new byte[THash.StateSize];
    private readonly byte[] _tail = new byte[2 * THash.BlockSize];
    private long _length;

    // Invariant: _rest < BlockSize, and _tail is zero from _rest on.
    private int _rest;

    public BlockHasher() => Restart();

    public void Append(ReadOnlySpan<byte> piece)
    {
        _length += piece.Length;
        if (_rest > 0)
        {
            var missing = Math.Min(THash.BlockSize - _rest, piece.Length);
            piece[..missing].CopyTo(_tail.AsSpan(_rest));
            _rest += missing;
            piece = piece[missing..];
            if (_rest < THash.BlockSize) return;

            Take(_tail, 1);
            ClearTail();
        }

        var blocks = piece.Length / THash.BlockSize;
        Take(piece, blocks);
        piece[(blocks * THash.BlockSize)..].CopyTo(_tail);
        _rest = piece.Length - (blocks * THash.BlockSize);
    }

    /// <summary>The digest of all pieces; the next text may begin.</summary>
    public void Finish(Span<byte> digest)
    {
        int blocks;
        fixed (byte* tail = _tail) blocks = THash.Pad(tail, _rest, _length);
        Take(_tail, blocks);
        fixed (byte* state = _state) THash.WriteDigest(state, 0, digest);
        Restart();
    }

    private void Restart()
    {
        fixed (byte* state = _state) THash.Start(state, 0);
        ClearTail();
        _length = 0;
    }

    private void ClearTail()
    {
        _tail.AsSpan().Clear();
        _rest = 0;
    }

    private void Take(ReadOnlySpan<byte> text, int blocks)
    {
        if (blocks == 0) return;

        fixed (byte* state = _state)
        fixed (byte* from = text)
        {
            var cursor = from;
            THash.Take(state, &cursor, blocks);
        }
    }
}
