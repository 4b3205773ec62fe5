using EdgeSync.Can.Sync.Passphrase;

namespace EdgeSync.Simulation.Mirror;

/// <summary>The messages of a proof by their sizes, each filled with a byte of the connection.</summary>
internal sealed class CheapProof : IConnectionProof
{
    private readonly bool _isDialler;
    private readonly byte _fill;
    private int _awaited;
    private byte[]? _output;

    public CheapProof(bool isDialler, ReadOnlySpan<byte> binding)
    {
        (_isDialler, _fill, _awaited) = (isDialler, binding[0], isDialler ? 65 : 33 + 32);
        if (isDialler) _output = Filled(33);
    }

    public ProofState State { get; private set; }

    public int Receive(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(_awaited, bytes.Length);
        if (bytes[..count].ContainsAnyExcept(_fill)) State = ProofState.Failed;
        var before = _awaited;
        _awaited -= count;
        if (!_isDialler && before > 32 && _awaited <= 32) _output = Filled(65);
        if (_isDialler && _awaited == 0) _output = Filled(32);
        if (_awaited == 0 && State == ProofState.Pending) State = ProofState.Proved;
        return count;
    }

    public bool TryTakeOutput(out ReadOnlyMemory<byte> output)
    {
        output = _output;
        var isThere = _output is not null;
        _output = null;
        return isThere;
    }

    private byte[] Filled(int count) => [.. Enumerable.Repeat(_fill, count)];
}
