using EdgeSync.Agent.Schedule;
using EdgeSync.Browser.Store;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Nats;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Sync;

/// <summary>
/// Copies a project into an empty store, from whichever peer answers on its subject; one that was cut off goes on where
/// it was. Driven as <see cref="PageLeaf"/> is.
/// </summary>
public sealed class PageClone : IDisposable
{
    private readonly PageSession _session;

    /// <exception cref="EdgeSyncException">The store holds another project, or a whole one.</exception>
    public PageClone(
        PageStore store, INatsBus bus, LeafOptions options, string projectCode, Entropy entropy, Instant now,
        Action wake, Action<SyncProgress>? observer = null)
    {
        if (store.ProjectCode is { } code && (code != projectCode || !store.CloneIsOpen))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"the store already holds project {code[..10]}", "name another path");

        var subjects = options.SubjectsOf(projectCode);
        var client = new ClientOptions
        {
            Actions = SyncActions.Clone,
            Login = options.Login,
            ConfigPull = ConfigAreas.Project | ConfigAreas.Shun,   // no users and passwords in a page
        };
        _session = new PageSession(
            store, client, bus, new SessionRoute(subjects.Sync, null, subjects.SyncOf),
            PageExchange.Options(options.NodeId, bus), options.SilenceMax, entropy, wake, now, observer);
    }

    /// <summary>When <see cref="Pump"/> is due at the latest.</summary>
    public Instant? Deadline => _session.Deadline;

    /// <summary>Null until the end; then whether it succeeded, and why not.</summary>
    public SyncOutcome? Outcome => _session.Outcome;

    /// <summary>What has come so far.</summary>
    public SyncReport Report => _session.Report;

    public void Pump(Instant now) => _session.Advance(now);

    public void Dispose() => _session.Dispose();
}
