using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// The checks that need no neighbours, on one batch at a time: names, then artifacts, then Z cards. Texts of one kind
/// of hash are hashed together, since several side by side fill the vector unit. One per worker.
/// </summary>
internal sealed class BatchChecker(BlobChecks checks, IReadOnlySet<RecordId>? only)
{
    private static readonly ArtifactParserOptions Unchecked = new() { SkipsChecksum = true };

    private readonly List<WalkedBlob> _chosen = [];
    private ReadOnlyMemory<byte>[] _texts = [];
    private ArtifactId[] _ids = [];
    private Md5Digest[] _digests = [];

    public void Check(BlobBatch batch)
    {
        if (checks.HasFlag(BlobChecks.Hash))
        {
            CheckNames(batch, HashKind.Sha3);
            CheckNames(batch, HashKind.Sha1);
        }

        if (checks.HasFlag(BlobChecks.Artifacts)) FindArtifacts(batch);
        if (checks.HasFlag(BlobChecks.ZCards)) FindRightZCards(batch);
        if (checks.HasFlag(BlobChecks.Texts)) return;

        for (var i = 0; i < batch.Count; i++)
        {
            if (batch[i].Artifact is null && !MayHoldArtifact(batch[i])) BlobBatch.DropText(batch[i]);
        }
    }

    private void CheckNames(BlobBatch batch, HashKind kind)
    {
        _chosen.Clear();
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch[i].IsSound && batch[i].Id.Kind == kind && only?.Contains(batch[i].Rid) != false)
                _chosen.Add(batch[i]);
        }

        if (_chosen.Count == 0) return;

        MakeRoom();
        for (var i = 0; i < _chosen.Count; i++) _texts[i] = _chosen[i].Text;
        HashBatch.Compute(kind, _texts.AsSpan(0, _chosen.Count), _ids.AsSpan(0, _chosen.Count));
        for (var i = 0; i < _chosen.Count; i++)
        {
            if (_ids[i] == _chosen[i].Id) continue;
            _chosen[i].Fail(BlobDamage.WrongHash, _chosen[i].Rid, $"its content hashes to {_ids[i]}");
        }

        _texts.AsSpan(0, _chosen.Count).Clear();
    }

    // The Z card is skipped at first: few files parse as artifacts, so nearly every MD5 computed is of a real one.
    private void FindArtifacts(BlobBatch batch)
    {
        _chosen.Clear();
        for (var i = 0; i < batch.Count; i++)
        {
            var blob = batch[i];
            if (!blob.IsSound || !ArtifactParser.MayBeArtifact(blob.Text.Span)) continue;

            if (ArtifactParser.TryParse(blob.Text, out var artifact, out var fault, Unchecked))
            {
                blob.Artifact = artifact;
                _chosen.Add(blob);
            }
            else
            {
                blob.ArtifactFault = fault;
            }
        }

        if (_chosen.Count > 0) CheckZCards();
    }

    private void CheckZCards()
    {
        MakeRoom();
        for (var i = 0; i < _chosen.Count; i++) _texts[i] = _chosen[i].Artifact!.ChecksummedMemory;
        HashBatch.ComputeMd5(_texts.AsSpan(0, _chosen.Count), _digests.AsSpan(0, _chosen.Count));
        for (var i = 0; i < _chosen.Count; i++)
        {
            if (Md5Digest.TryParse(_chosen[i].Artifact!.ZCard, out var promised) && promised == _digests[i]) continue;
            _chosen[i].Artifact = null;
            _chosen[i].ArtifactFault = new ArtifactFault(ArtifactFaultKind.WrongChecksum, 0, 0, 'Z');
        }

        _texts.AsSpan(0, _chosen.Count).Clear();
    }

    private bool MayHoldArtifact(WalkedBlob blob) => checks.HasFlag(BlobChecks.ZCards)
        && (
            blob.HasRightZCard
            || (blob.IsSound && blob.Text.Span is [(byte)'-', ..] && ArtifactParser.MayBeArtifact(blob.Text.Span)));

    private void FindRightZCards(BlobBatch batch)
    {
        // "Z ", 32 digits, line feed.
        const int ZCardLength = 35;

        _chosen.Clear();
        for (var i = 0; i < batch.Count; i++)
        {
            var blob = batch[i];
            if (blob.IsSound && blob.Length > ZCardLength && ArtifactParser.MayBeArtifact(blob.Text.Span)
                && blob.Text.Span[^ZCardLength..].StartsWith("Z "u8)) _chosen.Add(blob);
        }

        if (_chosen.Count == 0) return;

        MakeRoom();
        for (var i = 0; i < _chosen.Count; i++) _texts[i] = _chosen[i].Text[..^ZCardLength];
        HashBatch.ComputeMd5(_texts.AsSpan(0, _chosen.Count), _digests.AsSpan(0, _chosen.Count));
        for (var i = 0; i < _chosen.Count; i++)
        {
            var digits = _chosen[i].Text.Span[^(ZCardLength - 2)..^1];
            _chosen[i].HasRightZCard = Md5Digest.TryParse(digits, out var promised) && promised == _digests[i];
        }

        _texts.AsSpan(0, _chosen.Count).Clear();
    }

    private void MakeRoom()
    {
        if (_texts.Length >= _chosen.Count) return;
        _texts = new ReadOnlyMemory<byte>[BlobBatch.CountMax];
        _ids = new ArtifactId[BlobBatch.CountMax];
        _digests = new Md5Digest[BlobBatch.CountMax];
    }
}
