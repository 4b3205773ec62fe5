using System.Globalization;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>
/// Handles one request after the other: message in, message out. One request is one round of the store: either all that
/// it contains is stored, or nothing is. Holds no state between requests. Spec: xfer.c page_xfer.
/// </summary>
public sealed class ServerHandler(IArtifactStore store, ServerOptions options)
{
    /// <summary>
    /// Handles a decoded request and writes the decoded reply.
    /// </summary>
    /// <param name="now">Time of the request.</param>
    /// <param name="address">The peer's address, for the rcvfrom table.</param>
    /// <param name="reply">Empty; gets the reply, in place of a copy of it.</param>
    /// <param name="loginCard">A login card that arrived beside the message (<see cref="LoginCookie"/>); empty if none
    /// did.</param>
    public ServerOutcome Handle(
        Instant now, ReadOnlyMemory<byte> request, string address, PooledBytes reply,
        ReadOnlyMemory<byte> loginCard = default) =>
        Handle(now, request, RequestSummary.Of(request.Span, options.Limits), address, reply, loginCard);

    /// <inheritdoc cref="Handle(Instant, ReadOnlyMemory{byte}, string, PooledBytes, ReadOnlyMemory{byte})"/>
    /// <param name="summary">Of this request, when the host has read it before.</param>
    public ServerOutcome Handle(
        Instant now, ReadOnlyMemory<byte> request, RequestSummary summary, string address, PooledBytes reply,
        ReadOnlyMemory<byte> loginCard)
    {
        var access = summary.Access;
        var canWrite = store.Begin(access, now);
        if (!canWrite) Invariant.Require(store.Begin(StoreAccess.Read, now));
        if (canWrite && summary.MakesClusters && ClusterSchedule.AreDue(store))
        {
            store.Rollback();
            canWrite = store.Begin(StoreAccess.Write, now);
            if (canWrite) access = StoreAccess.Write;
            else Invariant.Require(store.Begin(StoreAccess.Read, now));
        }

        var isWrite = canWrite && access == StoreAccess.Write;
        Invariant.Require(reply.Length == 0);
        var round = new ServerRound(store, options, now, address, isWrite, isReadOnly: !canWrite, reply);
        var isWhole = false;
        try
        {
            round.Process(request.Span, loginCard.Span);
            isWhole = !round.IsFailed;
        }
        finally
        {
            // Also when the store threw: nothing of a failed round may stay.
            if (!isWhole || !isWrite) store.Rollback();
        }

        if (isWhole && isWrite && !store.TryCommit(out var fault))
        {
            isWhole = false;
            round.Fail(ArtifactCard.TextOf(fault.Outcome, fault.Id));
        }

        if (options.Faults.At(FaultSite.ServerReplyEmpty)) reply.Clear();
        else round.WriteTimestamp();
        return round.Outcome with { Changed = isWhole && isWrite && round.HasStored };
    }

    internal static void WriteTimestamp(XferWriter writer, Instant now, int errors) => writer.Comment(
        System.Text.Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"timestamp {now.ToDateTime():yyyy-MM-dd'T'HH:mm:ss} errors {errors}")));
}
