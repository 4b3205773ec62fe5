using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// A <c>file</c> or <c>cfile</c> card: an arriving artifact, as text, as delta or in stored form. Both sides take it in
/// the same way.
/// </summary>
internal readonly ref struct ArtifactCard
{
    private readonly ReadOnlySpan<byte> _payload;
    private readonly ArtifactId _source;
    private readonly long _expandedSize;
    private readonly bool _isStored;

    private ArtifactCard(ArtifactId id, ArtifactId source, long expandedSize, bool isStored, ReadOnlySpan<byte> payload)
    {
        (Id, _source, _expandedSize, _isStored) = (id, source, expandedSize, isStored);
        _payload = payload;
    }

    public ArtifactId Id { get; }

    public bool IsDelta => !_source.IsEmpty;

    public static bool TryParse(in XferCard card, out ArtifactCard artifact)
    {
        if (FileCard.TryParse(card, out var file))
        {
            artifact = new ArtifactCard(file.Id, file.Source, 0, isStored: false, card.Payload);
            return true;
        }

        var isStored = CFileCard.TryParse(card, out var compressed);
        artifact = isStored
            ? new ArtifactCard(compressed.Id, compressed.Source, compressed.ExpandedSize, isStored, card.Payload)
            : default;
        return isStored;
    }

    /// <summary>The same with one bit of its payload inverted, for the simulator.</summary>
    public ArtifactCard Damaged()
    {
        if (_payload.IsEmpty) return this;

        var damaged = _payload.ToArray();
        damaged[damaged.Length / 2] ^= 0x20;
        return new ArtifactCard(Id, _source, _expandedSize, _isStored, damaged);
    }

    public PutOutcome Put(IArtifactStore store, bool isPrivate, out RecordId rid)
    {
        if (_isStored) return store.PutStored(Id, _source, _expandedSize, _payload, isPrivate, out rid);

        return IsDelta
            ? store.PutDelta(Id, _source, _payload, isPrivate, out rid)
            : store.PutText(Id, _payload, isPrivate, out rid);
    }

    /// <summary>The error text for a peer whose artifact failed its checks.</summary>
    public static string TextOf(PutOutcome outcome, ArtifactId id) => outcome switch
    {
        PutOutcome.WrongHash => $"wrong hash on received artifact: {id}",
        PutOutcome.BadDelta => $"malformed delta for artifact: {id}",
        PutOutcome.BadCompression => $"damaged content of artifact: {id}",
        _ => $"artifact too large: {id}",
    };
}
