using System.Buffers;
using System.Globalization;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// Answers one request after the other: message in, message out. One request is one round of the store: either all that it
/// brought is stored, or nothing is. Holds no state between requests. Spec: xfer.c page_xfer.
/// </summary>
public sealed class ServerHandler(IArtifactStore store, ServerOptions options)
{
    private const int ClusterDue = 100;

    /// <summary>
    /// Handles a decoded request and writes the decoded reply.
    /// </summary>
    /// <param name="now">Time of the request.</param>
    /// <param name="address">The peer's address, for the record of what was received from where.</param>
    /// <param name="loginCard">A login card that came beside the message (<see cref="LoginCookie"/>); empty if none did.</param>
    public ServerOutcome Handle(
        Instant now, ReadOnlyMemory<byte> request, string address, IBufferWriter<byte> output, ReadOnlyMemory<byte> loginCard = default)
    {
        var access = AccessOf(request.Span, options.Limits);
        var canWrite = store.Begin(access, now);
        if (!canWrite) Invariant.Require(store.Begin(StoreAccess.Read, now));
        if (canWrite && access == StoreAccess.Read && ClustersAreDue(request.Span))
        {
            store.Rollback();
            canWrite = store.Begin(StoreAccess.Write, now);
            if (canWrite) access = StoreAccess.Write;
            else Invariant.Require(store.Begin(StoreAccess.Read, now));
        }

        var isWrite = canWrite && access == StoreAccess.Write;
        var reply = new ArrayBufferWriter<byte>(4096);
        var round = new ServerRound(store, options, now, address, isWrite, isReadOnly: !canWrite, reply);
        var isWhole = false;
        try
        {
            round.Process(request.Span, loginCard.Span);
            isWhole = !round.IsFailed;
        }
        finally
        {
            // Also when the store threw: nothing of a broken round may stay.
            if (!isWhole || !isWrite) store.Rollback();
        }

        if (isWhole && isWrite && !store.TryCommit(out var fault))
        {
            isWhole = false;
            round.Fail(ArtifactCard.TextOf(fault.Outcome, fault.Id));
        }

        if (options.Faults.At(FaultSite.ServerReplyEmpty)) reply.ResetWrittenCount();
        else round.WriteTimestamp();
        output.Write(reply.WrittenSpan);
        return round.Outcome with { Changed = isWhole && isWrite && round.HasStored };
    }

    /// <summary>An error reply without any processing: busy, shutting down, body damaged.</summary>
    public static void WriteRefusal(Instant now, string reason, IBufferWriter<byte> output)
    {
        var writer = new XferWriter(output);
        writer.Error(reason);
        WriteTimestamp(writer, now, 1);
    }

    internal static void WriteTimestamp(XferWriter writer, Instant now, int errors) => writer.Comment(
        System.Text.Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"timestamp {now.ToDateTime():yyyy-MM-dd'T'HH:mm:ss} errors {errors}")));

    /// <summary>
    /// What a request needs of the store, so that what only reads may run on connections of its own. The write lock is
    /// taken at once or not at all. A message that is cut or malformed is looked at as far as it goes.
    /// </summary>
    public static StoreAccess AccessOf(ReadOnlySpan<byte> request, XferLimits limits)
    {
        var reader = new XferReader(request, isFinal: true, limits);
        while (reader.TryRead(out var card) == OperationStatus.Done)
        {
            var writes = card.Kind switch
            {
                CardKind.Push or CardKind.File or CardKind.CFile or CardKind.UvFile or CardKind.Config => true,
                CardKind.Schema or CardKind.XRow or CardKind.XDelete => true,
                CardKind.Pragma => card[1].SequenceEqual("ci-lock"u8) || card[1].SequenceEqual("ci-unlock"u8),
                _ => false,
            };
            if (writes) return StoreAccess.Write;
        }

        return StoreAccess.Read;
    }

    /// <summary>
    /// A pull that would make clusters if it could write. Asked on a connection that only reads, so that the request then
    /// goes to the one that writes.
    /// </summary>
    public bool WantsClusters(ReadOnlySpan<byte> request, Instant now)
    {
        if (!store.Begin(StoreAccess.Read, now)) return false;
        try
        {
            return ClustersAreDue(request);
        }
        finally
        {
            store.Rollback();
        }
    }

    private bool ClustersAreDue(ReadOnlySpan<byte> request)
    {
        var reader = new XferReader(request, isFinal: true, options.Limits);
        var isPull = false;
        while (!isPull && reader.TryRead(out var card) == OperationStatus.Done) isPull = card.Kind == CardKind.Pull;
        if (!isPull) return false;

        var some = new ArtifactListing[ClusterDue];
        return store.List(ArtifactList.Unclustered, RecordId.None, some) == ClusterDue;
    }
}
