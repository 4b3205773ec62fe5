using System.Buffers;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>What a request needs of the store, read once from its cards before it is handled.</summary>
/// <param name="Access">A request that only reads may run on a read connection; the write lock is taken at the start or
/// not at all.</param>
/// <param name="MakesClusters">It pulls and writes nothing: clusters that are due may be made before the reply.</param>
public readonly record struct RequestSummary(StoreAccess Access, bool MakesClusters)
{
    /// <summary>A message that is cut or malformed is read up to there.</summary>
    public static RequestSummary Of(ReadOnlySpan<byte> request, XferLimits limits)
    {
        var isPull = false;
        var reader = new XferReader(request, isFinal: true, limits);
        while (reader.TryRead(out var card) == OperationStatus.Done)
        {
            if (Writes(card)) return new RequestSummary(StoreAccess.Write, MakesClusters: false);

            isPull |= card.Kind == CardKind.Pull;
        }

        return new RequestSummary(StoreAccess.Read, isPull);
    }

    private static bool Writes(in XferCard card) => card.Kind switch
    {
        CardKind.Push or CardKind.File or CardKind.CFile or CardKind.UvFile or CardKind.Config => true,
        CardKind.Schema or CardKind.XRow or CardKind.XDelete => true,
        CardKind.Pragma => card[1].SequenceEqual("ci-lock"u8) || card[1].SequenceEqual("ci-unlock"u8),
        _ => false,
    };
}
