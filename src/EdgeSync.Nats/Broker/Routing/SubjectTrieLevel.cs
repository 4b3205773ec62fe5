using System.Runtime.InteropServices;

namespace EdgeSync.Nats.Broker.Routing;

/// <summary>The choices at one token of a subject.</summary>
internal sealed class SubjectTrieLevel(TokenComparer comparer)
{
    private Dictionary<byte[], SubjectTrieNode>? _literals;

    public SubjectTrieNode? Star { get; private set; }

    public SubjectTrieNode? Tail { get; private set; }

    public bool IsEmpty => _literals is not { Count: > 0 } && Star is null && Tail is null;

    public SubjectTrieNode? Find(ReadOnlySpan<byte> token)
    {
        if (token is [(byte)'*']) return Star;
        if (token is [(byte)'>']) return Tail;
        if (_literals is null) return null;

        return _literals.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(token, out var node) ? node : null;
    }

    public SubjectTrieNode GetOrAdd(ReadOnlySpan<byte> token)
    {
        if (token is [(byte)'*']) return Star ??= new SubjectTrieNode();
        if (token is [(byte)'>']) return Tail ??= new SubjectTrieNode();

        _literals ??= new Dictionary<byte[], SubjectTrieNode>(comparer);
        ref var node = ref CollectionsMarshal.GetValueRefOrAddDefault(
            _literals.GetAlternateLookup<ReadOnlySpan<byte>>(), token, out _);
        return node ??= new SubjectTrieNode();
    }

    public void Remove(ReadOnlySpan<byte> token)
    {
        if (token is [(byte)'*']) Star = null;
        else if (token is [(byte)'>']) Tail = null;
        else _literals?.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(token);
    }
}
