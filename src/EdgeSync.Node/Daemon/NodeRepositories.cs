using EdgeSync.Node.Agents;
using EdgeSync.Node.Notify;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>The repositories of a node: those that are open, and those whose first copy is awaited.</summary>
internal sealed class NodeRepositories : IAsyncDisposable
{
    private readonly NodeContext _node;
    private readonly NodeNetwork _network;
    private readonly NodeWeb _web;
    private readonly SemaphoreSlim _changing;
    private readonly bool _isHub;

    // Replaced as a whole when settings change, so that readers need no lock.
    private volatile IReadOnlyList<RepositoryNode> _all = [];

    private volatile IReadOnlyList<RepositorySettings> _messages = [];

    /// <param name="changing">Held while the set of repositories or the network changes.</param>
    /// <param name="isHub">Files that are missing are created.</param>
    public NodeRepositories(
        NodeContext node, NodeNetwork network, NodeWeb web, SemaphoreSlim changing, bool isHub)
    {
        (_node, _network, _web, _changing, _isHub) = (node, network, web, changing, isHub);
        Copies = new FirstCopies(OpenLaterAsync, node.Clock, node.Log, node.Failed);
    }

    public FirstCopies Copies { get; }

    public IReadOnlyList<RepositoryNode> All => _all;

    public IReadOnlyList<RepositoryHost> Hosts => [.. _all.Select(r => r.Host)];

    public IReadOnlyList<string> Paths => [.. _all.Select(r => r.Host.FilePath)];

    public IReadOnlyList<string> ProjectCodes => [.. _all.Select(r => r.ProjectCode)];

    /// <summary>Called with the paths when the set has changed.</summary>
    public Action<IReadOnlyList<string>>? Changed { get; set; }

    public async Task OpenAllAsync(IReadOnlyList<RepositorySettings> wanted, CancellationToken cancellationToken)
    {
        if (_isHub)
        {
            foreach (var repository in wanted.Where(r => r.MessagesOf is null))
                HubSetup.CreateMissing(repository, _node.Clock);
        }

        foreach (var repository in wanted)
        {
            if (AwaitsMain(repository)) continue;
            if (await OpenOrWaitAsync(repository, cancellationToken) is { } node) _all = [.. _all, node];
        }

        _messages = [.. wanted.Where(r => r.MessagesOf is not null)];
        _web.Serve(Hosts);
    }

    /// <summary>
    /// Opens the wanted repositories that are not open yet, and calls <paramref name="prepare"/> with all that are open
    /// then; after that the others are closed. If anything fails, everything stays as it was.
    /// </summary>
    /// <returns>True if a repository was added.</returns>
    public async Task<bool> ChangeAsync(
        IReadOnlyList<RepositorySettings> wanted, Func<IReadOnlyList<RepositoryNode>, Task> prepare,
        CancellationToken cancellationToken)
    {
        var kept = new List<RepositoryNode>();
        var fresh = new List<RepositoryNode>();
        try
        {
            foreach (var repository in wanted)
            {
                if (_all.FirstOrDefault(r => IsSame(r.Settings, repository) && HasSecretOf(r, repository)) is { } same)
                {
                    kept.Add(same);
                    continue;
                }

                if (Copies.Has(repository) || AwaitsMain(repository)) continue;
                if (_isHub && repository.MessagesOf is null) HubSetup.CreateMissing(repository, _node.Clock);
                if (await OpenOrWaitAsync(repository, cancellationToken) is { } node) fresh.Add(node);
            }

            await prepare([.. kept, .. fresh]);
        }
        catch
        {
            foreach (var node in fresh) await node.DisposeAsync();
            throw;
        }

        _messages = [.. wanted.Where(r => r.MessagesOf is not null)];
        var gone = _all.Except(kept).ToList();
        Replace([.. kept, .. fresh]);
        Copies.Keep(wanted);
        foreach (var node in gone) await node.DisposeAsync();
        return fresh.Count > 0;
    }

    /// <exception cref="EdgeSyncException">The daemon does not serve it.</exception>
    public RepositoryNode Find(string repository)
    {
        var path = NodePaths.RealPathOf(repository);
        return _all.FirstOrDefault(r => NodePaths.RealPathOf(r.Host.FilePath) == path)
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"this daemon has no repository {repository}")
            { Candidates = Paths };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _all) await node.DisposeAsync();
    }

    internal static bool IsSame(RepositorySettings a, RepositorySettings b) =>
        SettingsJson.Write(a) == SettingsJson.Write(b);

    // A reload reads the files of secrets again.
    private static bool HasSecretOf(RepositoryNode node, RepositorySettings settings) =>
        settings.User is null
        || node.Login?.Password == Secrets.Read(settings.Password, settings.PasswordFile);

    private void Replace(IReadOnlyList<RepositoryNode> all)
    {
        _all = all;
        _web.Serve(Hosts);
        Changed?.Invoke(Paths);
    }

    private async Task<RepositoryNode> OpenAsync(RepositorySettings settings, CancellationToken cancellationToken)
    {
        var nats = _network.Nats;
        if (settings.MessagesOf is { } main)
            NotifyPlace.CreateMissing(settings.Path, NotifyPlace.CodeBeside(main), _node.Clock);
        var host = await RepositoryOpener.OpenAsync(settings, _node, nats, cancellationToken);
        try
        {
            var node = await RepositoryNode.StartAsync(settings, host, _node, cancellationToken);
            if (nats is not null) await node.JoinAsync(nats);
            return node;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    // Its project code follows from that repository, whose first copy is awaited.
    private static bool AwaitsMain(RepositorySettings settings) =>
        settings.MessagesOf is { } main && !File.Exists(settings.Path) && !File.Exists(main);

    // Null: its first copy is awaited.
    private async Task<RepositoryNode?> OpenOrWaitAsync(
        RepositorySettings settings, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(settings, cancellationToken);
        }
        catch (EdgeSyncException e) when (FirstCopies.MayCome(settings, e))
        {
            _web.Waiting = () => Copies.Sentence;
            Copies.Add(settings, e);
            return null;
        }
    }

    private async Task OpenLaterAsync(RepositorySettings settings, CancellationToken cancellationToken)
    {
        List<RepositoryNode> opened = [await OpenAsync(settings, cancellationToken)];
        foreach (var messages in _messages.Where(m => m.MessagesOf == settings.Path))
            opened.Add(await OpenAsync(messages, cancellationToken));
        await _changing.WaitAsync(cancellationToken);
        try
        {
            Replace([.. _all, .. opened]);
        }
        finally
        {
            _changing.Release();
        }
    }
}
