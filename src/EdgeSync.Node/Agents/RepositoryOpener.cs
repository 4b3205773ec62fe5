using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Node.Agents;

/// <summary>
/// Opens the repositories of a daemon, and clones missing ones from the source in the settings.
/// </summary>
internal static class RepositoryOpener
{
    private const string Unfinished = ".part";

    public static async Task<RepositoryHost> OpenAsync(
        RepositorySettings settings, NodeContext node, NatsHost? nats, CancellationToken cancellationToken)
    {
        if (!File.Exists(settings.Path)) await FetchAsync(settings, node, nats, cancellationToken);
        var host = await RepositoryHost.OpenAsync(
            settings.Path, new RepositoryHostOptions(), node.Clock, node.Log, cancellationToken);
        try
        {
            await RequireProjectAsync(settings, host, cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    // The file gets its name when it is complete; an interrupted clone is resumed.
    private static async Task FetchAsync(
        RepositorySettings settings, NodeContext node, NatsHost? nats, CancellationToken cancellationToken)
    {
        if (settings.CloneFrom is not { } from)
        {
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"{settings.Path} does not exist",
                "edgesync repo new PATH; --clone-from URL clones it");
        }

        var part = settings.Path + Unfinished;
        node.Log.RepositoryCloning(settings.Path, Secrets.RedactUrls(from));
        var repository = File.Exists(part) && !Repository.RemoveStub(part)
            ? Repository.Open(part, RepositoryOptions.Default with { Clock = node.Clock })
            : Repository.CreateForClone(
                part, new RepositoryCreateOptions { AdminUser = settings.User ?? SystemUser.Name, Clock = node.Clock });
        var url = PeerSetting.TryParse(from, out var parsed) ? parsed : null;
        var login = LoginOf(settings, url);
        var options = new ClientOptions { Actions = ActionsOf(settings), Login = login };
        SyncReport report;
        if (url is not null)
        {
            using (repository)
            using (var transport = TransportTo(url, repository, settings, node))
                report = (
                    await new SyncDriver(
                        new InlineExecutor(repository), options, transport,
                        node.Clock).RunAsync(cancellationToken)).Report;
        }
        else
        {
            report = await FetchOverNatsAsync(settings, repository, options, node, nats, cancellationToken);
        }

        if (report.Fault is { } fault)
            throw new EdgeSyncException(
                fault.Kind is SyncFaultKind.Denied
                or SyncFaultKind.LoginFailed ? ErrorKind.Denied : ErrorKind.Unavailable,
                $"cannot clone from {Secrets.RedactUrls(from)}: {fault.Text}",
                "the received part is kept; the next start resumes");

        using (var whole = Repository.Open(part, RepositoryOptions.Default with { Clock = node.Clock }))
        {
            if (url is not null) SavedPeer.Write(whole, url.ToString(), login?.Password);
        }

        DurableFile.Move(part, settings.Path);
        node.Log.RepositoryCloned(settings.Path, report.ArtifactsReceived);
    }

    private static ITransport TransportTo(
        PeerUrl url, Repository repository, RepositorySettings settings, NodeContext node) =>
        url.Endpoint is { } endpoint && node.Iroh is { } iroh
            ? new IrohTransport(iroh.Connections, IrohPeer.Parse(endpoint), url.EndpointPath)
            : PeerTransport.Open(
                url, repository, new PeerTransportOptions { Pin = settings.PinnedKey }, node.Clock);

    private static async Task<SyncReport> FetchOverNatsAsync(
        RepositorySettings settings, Repository repository, ClientOptions options, NodeContext node, NatsHost? nats,
        CancellationToken cancellationToken)
    {
        await using var queue = RepositoryQueue.Own(repository);
        if (nats is null)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"cannot clone {settings.Path} over NATS: NATS is off",
                "--nats nats-leaf://HOST:7422");

        await nats.WaitForLinkAsync(cancellationToken);
        var subjects = new ProjectSubjects(settings.Prefix, settings.ProjectCode!);
        using var transport = nats.OpenTransport(SyncTarget.NatsAny(subjects), subjects);
        try
        {
            return (await new SyncDriver(queue, options, transport, node.Clock).RunAsync(cancellationToken)).Report;
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable)
        {
            throw WhyNoPeer(settings, nats, e);
        }
    }

    // Names the server and the project rather than the NATS subject.
    private static EdgeSyncException WhyNoPeer(RepositorySettings settings, NatsHost nats, EdgeSyncException e)
    {
        var link = nats.LinkStatus;
        var where = link.Url is { } url ? $" on {Secrets.RedactUrls(url)}" : "";
        var hint = link.Url is { } shown ? $"edgesync doctor --nats {Secrets.RedactUrls(shown)}" : null;
        return link.State != "connected"
            ? new EdgeSyncException(
                ErrorKind.Unavailable,
                $"{Secrets.RedactUrls(link.Url ?? "NATS")} is not reachable: "
                    + $"{(string.IsNullOrEmpty(link.LastError) ? "no answer yet" : link.LastError)}", hint, e)
            : e is NoRespondersException
                ? new EdgeSyncException(
                    ErrorKind.Unavailable, $"no peer with project {settings.ProjectCode![..10]} answers{where}",
                    "start a node that has the project, or check --project", e)
                : new EdgeSyncException(
                    ErrorKind.Unavailable, $"cannot clone project {settings.ProjectCode![..10]}{where}: {e.Message}",
                    hint, e);
    }

    private static SyncActions ActionsOf(RepositorySettings settings)
    {
        var actions = SyncActions.Clone;
        if (settings.Uv) actions |= SyncActions.Unversioned;
        if (settings.Private) actions |= SyncActions.Private;
        return actions;
    }

    private static SyncLogin? LoginOf(RepositorySettings settings, PeerUrl? url)
    {
        if (url is { User: { } user, Password: { } password }) return new SyncLogin(user, password);

        return settings.User is { } login && Secrets.Read(settings.Password, settings.PasswordFile) is { } secret
            ? new SyncLogin(login, secret)
            : null;
    }

    private static async Task RequireProjectAsync(
        RepositorySettings settings, RepositoryHost host, CancellationToken cancellationToken)
    {
        if (settings.ProjectCode is not { } wanted) return;

        var found = await host.Writer.RunAsync(r => r.ProjectCode, cancellationToken);
        if (found != wanted)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{settings.Path} holds the project {found}, not {wanted}",
                "name the file of that project, or another one");
    }
}
