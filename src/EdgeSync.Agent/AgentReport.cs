using System.Globalization;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>Describes an agent's state in sentences. A state "behind" always has a reason.</summary>
internal static class AgentReport
{
    /// <summary>Completes a status with targets, state and reasons.</summary>
    public static AgentStatus BuildStatus(AgentStatus status, AgentOptions options, TargetTable states, Instant now)
    {
        var reasons = new List<string>();
        var targets = new List<TargetStatus>();
        Instant? lastSync = null;
        foreach (var state in states.All)
        {
            // An unneeded target that is offline does not count as lag.
            var reason = state.WhyBehind(now);
            var isNeeded = state.IsConfigured || state.Target.PeerId == status.Hub
                || state.Target.Kind == TargetKind.NatsAny;
            if (reason is not null && isNeeded) reasons.Add(reason);
            if (state.LastOk is { } ok && (lastSync is null || ok > lastSync)) lastSync = ok;
            targets.Add(
                new TargetStatus(
                    state.Target, state.IsRunning, state.Breaker, state.Failures, state.LastOk, state.DueAt, reason)
                {
                    LastTry = state.StartedAt,
                    HasAll = state is { HasAll: true, Failures: 0 },
                    NeedsPerson = state is { Failures: > 0, LastOutcome.NeedsPerson: true },
                    IsAwaited = state
                is { LastOk: null, Target.Kind: TargetKind.NatsAny, LastOutcome.Kind: SyncOutcomeKind.NoResponders },
                });
        }

        if (status.Wanted > 0)
            reasons.Add(
                string.Create(
                    CultureInfo.InvariantCulture, $"{status.Wanted} announced artifacts have not arrived yet"));
        if (!status.LinkIsUp && !states.Configured.Any(t => t.Target.Kind == TargetKind.Http))
            reasons.Add("NATS is not connected");
        if (options.Autosync == AutosyncMode.Off) reasons.Add("autosync is off: only `sync now` syncs");
        if (lastSync is null && reasons.Count == 0 && options.Role != NodeRole.Hub)
            reasons.Add("no exchange has completed yet");
        var isRunning = states.All.Any(t => t.IsRunning);
        return status with
        {
            State = reasons.Count > 0 ? AgentState.Behind : isRunning ? AgentState.Syncing : AgentState.InSync,
            Reasons = reasons,
            LastSync = lastSync,
            Targets = targets,
        };
    }

    public static Presence PresenceOf(
        AgentStatus status, AgentOptions options, RepositoryChanges changes, PresenceState state, Instant now) =>
        new()
        {
            PeerId = options.NodeId,
            State = state,
            Role = options.Role,
            Hub = status.Hub,
            Version = options.Version,
            Platform = options.Platform,
            Capabilities = options.Capabilities,
            Interval = options.HeartbeatInterval,
            CheckIns = changes.CheckIns,
            Head = changes.Head,
            SinceSync = status.LastSync is { } last ? now - last : null,
            Instance = options.Instance,
            Behind = status.State == AgentState.Behind ? status.Reasons[0] : null,
        };
}

/// <summary>The log line of a session's end. Spec: edgesync.md §2, outcomes.</summary>
internal static class OutcomeLog
{
    /// <param name="since">A success of another target after this time makes a failure unimportant: the artifacts are
    /// here.</param>
    public static AgentEffect.Log Line(
        TargetTable targets, TargetState state, SyncOutcome outcome, TimeSpan took, Instant since)
    {
        if (outcome.IsOk)
        {
            var moved = outcome.Received + outcome.Sent > 0;
            return new AgentEffect.Log(
                moved ? AgentLogLevel.Info : AgentLogLevel.Debug,
                new AgentEvent.SyncFinished(state.Target.Id, outcome.Received, outcome.Sent, took));
        }

        var anotherWorked = targets.All.Any(t => t != state && t.LastOk >= since);
        // A fault on this side (a full disk) affects every target, also beside a success.
        var isOurs = outcome.Kind == SyncOutcomeKind.LocalFailed;
        var level = outcome.IsBenign || (anotherWorked && !isOurs) ? AgentLogLevel.Debug : AgentLogLevel.Error;
        return new AgentEffect.Log(
            level, new AgentEvent.SyncFailed(state.Target.Id, outcome.Reason ?? outcome.Kind.ToString(), took));
    }
}
