using EdgeSync.Primitives;
using EdgeSync.Quic.Paths;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// What becomes of the paths of a connection as time passes: keep-alive, validation, silence, draining, and which of
/// them carries data. Spec: RFC 9000 §9; draft-ietf-quic-multipath §3.
/// </summary>
internal sealed class PathDriver(ConnectionState state, LossDetector loss, HandshakeDriver handshake)
{
    /// <summary>When <see cref="OnDeadline"/> is due, if that is earlier.</summary>
    public void TakeDeadlines(ref Instant? earliest)
    {
        foreach (var path in state.Paths.All) TakePathDeadlines(ref earliest, path);
        Take(ref earliest, state.NoPathDeadline);
        if (state.IsConfirmed) Take(ref earliest, state.Nat.Deadline(PathSelector.DirectRtt(state.Paths)));
    }

    public void OnDeadline(Instant now)
    {
        if (now >= state.NoPathDeadline)
        {
            state.Abandon(new CloseReason(
                CloseKind.LocalError, TransportErrorCode.NoViablePath, "the peer gave up the last path"));
            return;
        }

        for (var i = state.Paths.All.Count - 1; i >= 0 && state.IsOpen; i--) OnPathDeadline(now, state.Paths.All[i]);
        if (!state.IsOpen) return;
        if (state.IsConfirmed) state.Nat.OnDeadline(now, PathSelector.DirectRtt(state.Paths), state.Paths);
        Update(now);
    }

    public bool TryOpen(Instant now, FourTuple tuple) => state.OpenPath(now, tuple, handshake.MtuMax);

    public bool TryClose(uint pathId)
    {
        if (state.Paths.Find(pathId) is not { IsAbandoned: false } path || !state.Paths.HasOther(path)) return false;
        GiveUp(path, PathErrorCode.Abandoned);
        return true;
    }

    /// <summary>Every path is tested; a client whose local address is gone goes on from another.</summary>
    public void OnNetworkChange(IReadOnlyCollection<UdpAddress> gone)
    {
        foreach (var path in state.Paths.All)
        {
            if (path.IsAbandoned) continue;
            (path.NeedsPing, path.PtoCount) = (true, 0);
            var tuple = path.Route.Tuple;
            if (!state.IsConfirmed || !gone.Any(address => address.Bits == tuple.Local.Bits)) continue;
            // The shell chooses the new local address, as the system does for a socket that is bound to none.
            var moved = tuple with { Local = default };
            if (!state.IsServer && TryMove(path, moved)) continue;
            // A client does not follow a server; it will find the new address.
            path.Route.Tuple = moved;
            path.Fail();
        }

        state.Nat.OnNetworkChange();
    }

    private void TakePathDeadlines(ref Instant? earliest, QuicPath path)
    {
        // What came on a path that is given up is acknowledged on another.
        var sender = path.IsAbandoned ? state.Path : path;
        if (!state.IsBlocked(sender) && sender.RemoteIds.HasAny)
        {
            if (path.Id == 0)
            {
                Take(ref earliest, AckDeadline(state.InitialSpace, state.InitialKeys is not null));
                Take(ref earliest, AckDeadline(state.HandshakeSpace, state.HandshakeKeys is not null));
            }

            Take(ref earliest, AckDeadline(path.Space, state.OneRttKeys is not null));
        }

        Take(ref earliest, path.DrainDeadline);
        if (path.IsAbandoned) return;
        Take(ref earliest, KeepAliveDeadline(path));
        Take(ref earliest, PathIdleDeadline(path));
        Take(ref earliest, path.Route.ChallengeDeadline);
        Take(ref earliest, path.Fallback?.ChallengeDeadline);
        if (state.IsConfirmed && path.Route.IsValidated) Take(ref earliest, path.Route.Mtu.NextSearch);
    }

    private Instant? KeepAliveDeadline(QuicPath path) =>
        state.Options.KeepAlive == TimeSpan.Zero || state.Phase != ConnectionPhase.Connected || path.NeedsPing
            || path.IsAbandoned
            ? null
            : (path.LastReceived > path.LastSent ? path.LastReceived : path.LastSent) + state.Options.KeepAlive;

    /// <summary>
    /// When a path has been silent for too long; null for the only one, which ends with the connection.
    /// </summary>
    private Instant? PathIdleDeadline(QuicPath path) =>
        !state.Paths.IsMultipath || path.IsAbandoned || state.Options.KeepAlive == TimeSpan.Zero
            || !state.Paths.HasOther(path)
            ? null
            : path.LastReceived + state.PathIdleOf(path);

    private void OnPathDeadline(Instant now, QuicPath path)
    {
        if (now >= path.DrainDeadline)
        {
            Forget(path);
            return;
        }

        if (path.IsAbandoned) return;
        if (now >= PathIdleDeadline(path))
        {
            GiveUp(path, PathErrorCode.Unstable);
            return;
        }

        if (now >= KeepAliveDeadline(path)) path.NeedsPing = true;
        path.Fallback?.OnDeadline(now);
        if (path.Fallback is { HasFailed: true }) path.Fallback.StopValidation();
        path.Route.OnDeadline(now);
        if (path.Route.HasFailed && !path.Route.IsValidated) OnRouteFailed(path);
    }

    private void OnRouteFailed(QuicPath path)
    {
        if (path.Fallback is { } fallback)
        {
            // The new address does not answer: back to the one before (RFC 9000 §9.3.2).
            (path.Route, path.Fallback) = (fallback, null);
            if (path == state.Path) state.Events.Enqueue(new QuicEvent(QuicEventKind.RouteChanged));
            return;
        }

        if (state.Paths.HasOther(path))
        {
            GiveUp(path, PathErrorCode.Unstable);
            return;
        }

        state.Abandon(new CloseReason(
            CloseKind.LocalError, TransportErrorCode.NoViablePath, "no address of the peer answers"));
    }

    /// <summary>Goes on with a path on another 4-tuple, under an id that was not seen on the one before.</summary>
    public bool TryMove(QuicPath path, FourTuple tuple)
    {
        if (path.RemoteIds.Current.Length > 0 && !path.RemoteIds.TryAdvance()) return false;

        var route = new Route(state.Paths.NextRouteId++, tuple, state.Options.InitialRtt, isValidated: false)
        {
            UsesEcn = state.Options.UsesEcn,
        };
        route.LiftLimit();
        route.SearchMtu(handshake.MtuMax);
        route.StartValidation(state.Entropy);
        if (path.Route.IsValidated) path.Fallback = path.Route;
        path.Route = route;
        path.NeedsPing = true;
        if (path == state.Path) state.Events.Enqueue(new QuicEvent(QuicEventKind.RouteChanged));
        return true;
    }

    private void GiveUp(QuicPath path, ulong code)
    {
        state.Paths.Abandon(path.Id, code);
        loss.MoveFrom(path);
        state.Events.Enqueue(new QuicEvent(QuicEventKind.PathsChanged));
    }

    private void Forget(QuicPath path)
    {
        loss.MoveFrom(path);
        state.Paths.Forget(path.Id);
        state.Responses.RemoveAll(response => response.Path == path);
    }

    /// <summary>Data goes on the best path; a client gives up direct ones that are not needed.</summary>
    public void Update(Instant now)
    {
        var paths = state.Paths;
        if (!state.Paths.IsMultipath || !state.IsOpen || !state.IsConfirmed) return;
        OpenDialled(now);
        while (!state.IsServer && paths.TryTakeWaiting(out var tuple)) state.OpenPath(now, tuple, handshake.MtuMax);
        if (paths.All.Count == 1) return;

        var best = PathSelector.Choose(paths);
        if (best != paths.Main)
        {
            var before = paths.Main;
            paths.Main = best;
            if (before.IsFailing) loss.MoveFrom(before);
            state.Events.Enqueue(new QuicEvent(QuicEventKind.RouteChanged));
        }

        foreach (var path in paths.All)
            if (!path.IsAbandoned && path.Route.IsValidated) path.SetStatus(isBackup: path != best);
        if (!state.IsServer && !best.IsRelayed && best is { IsUsable: true, IsFailing: false }) GiveUpOthers(best);
    }

    /// <summary>
    /// A relay that was dialled, and did not answer first, is kept as a way out; direct addresses are found by NAT
    /// traversal, where that is known.
    /// </summary>
    private void OpenDialled(Instant now)
    {
        foreach (var tuple in state.DialledTuples)
            if (tuple.Remote.IsRelayed || !state.Nat.IsNegotiated) state.OpenPath(now, tuple, handshake.MtuMax);
        state.DialledTuples = [];
    }

    private void GiveUpOthers(QuicPath best)
    {
        foreach (var path in state.Paths.All)
        {
            // One that was not measured yet may turn out to be better.
            if (path == best || path.IsRelayed || !path.IsUsable || !path.Route.Rtt.HasSample) continue;
            if (best.Route.Rtt.HasSample) GiveUp(path, PathErrorCode.Abandoned);
        }
    }

    public static void Take(ref Instant? earliest, Instant? other)
    {
        if (other is not null && (earliest is null || other < earliest)) earliest = other;
    }

    private static Instant? AckDeadline(PacketSpace space, bool hasKeys) => hasKeys ? space.AckDeadline : null;
}
