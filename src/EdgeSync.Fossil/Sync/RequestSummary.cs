using System.Buffers;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>What a request needs of the store, read from its cards once, before it is answered.</summary>
/// <param name="Access">What only reads may run on connections of its own; the write lock is taken at once or not at
/// all.</param>
/// <param name="MakesClusters">It pulls and writes nothing: clusters that are due may be made before it is
/// answered.</param>
public readonly record struct RequestSummary(StoreAccess Access, bool MakesClusters)
{
    /// <summary>A message that is cut or malformed is looked at as far as it goes.</summary>
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
