using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Sync;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Handles exchanges with one repository, over any transport. Writes go through one thread; reads run beside it, on
/// connections of their own.
/// </summary>
internal sealed class RepositoryHost : IAsyncDisposable
{
    private readonly RepositoryQueue _writer;
    private readonly ReaderPool _readers;
    private readonly RepositoryHostOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly ClusterSchedule _clusters = new();


    private RepositoryHost(
        RepositoryQueue writer, bool isReadOnly, RepositoryHostOptions options, TimeProvider clock, ILogger log)
    {
        _writer = writer;
        _options = options;
        _clock = clock;
        _log = log;
        _readers = new ReaderPool(writer.Path, options.ReadersMax, clock);
        Health = new RepositoryHealth(writer, _readers, isReadOnly, clock, log);
    }

    /// <exception cref="EdgeSyncException">The file does not exist, or is not a repository.</exception>
    public static Task<RepositoryHost> OpenAsync(
        string path, RepositoryHostOptions options, TimeProvider clock, ILogger log,
        CancellationToken cancellationToken) =>
        OpenAsync(path, options, clock, log, Repository.Open, cancellationToken);

    /// <param name="open">Opens the file; tests make it fail.</param>
    internal static async Task<RepositoryHost> OpenAsync(
        string path, RepositoryHostOptions options, TimeProvider clock, ILogger log, Func<string, RepositoryOptions,
        Repository> open,
        CancellationToken cancellationToken)
    {
        var writer = await new WriterOpening(path, clock, log).OpenAsync(open, cancellationToken);
        try
        {
            var (name, code, proxy, ssh, isReadOnly) = await writer.RunAsync(
                r => (
                    r.Settings["project-name"], r.Settings["project-code"], r.Settings["proxy"],
                    r.Settings["ssh-command"], r.IsReadOnly),
                cancellationToken);
            return new RepositoryHost(writer, isReadOnly && writer.WriteFault is null, options, clock, log)
            {
                ProjectName = name,
                ProjectCode = code,
                Proxy = proxy,
                SshCommand = ssh
            };
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    /// <summary>The one writing thread; sessions of this node use it too.</summary>
    public RepositoryQueue Writer => _writer;

    public ReaderPool Readers => _readers;

    public RepositoryHealth Health { get; }

    public string FilePath => _writer.Path;

    /// <summary>The file's name without its extension: the repository's name in logs and paths.</summary>
    public string Name => NameOf(_writer.Path);

    /// <summary>The setting, as at opening: for sessions of this node.</summary>
    public string? Proxy { get; private init; }

    /// <summary>The setting <c>ssh-command</c>, as at opening.</summary>
    public string? SshCommand { get; private init; }

    public string? ProjectName { get; private init; }

    /// <summary>As at opening: 40 hex digits.</summary>
    public string? ProjectCode { get; private init; }

    /// <summary>Called after a client's round stored something, which is on disk now.</summary>
    public Action? Pushed { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync();
        await _writer.DisposeAsync();
    }

    public static string NameOf(string path) => Path.GetFileNameWithoutExtension(path);

    /// <summary>Handles one decoded message, from any transport.</summary>
    /// <param name="loginCard">A login card that the transport carried beside the message.</param>
    public Task<ServerOutcome> AnswerAsync(
        ReadOnlyMemory<byte> message, string address, ILoginGate logins, PooledBytes reply, long replyBytesMax,
        ReadOnlyMemory<byte> loginCard, CancellationToken cancellationToken) =>
        AnswerAsync(
            message, new Requester(address, logins) { LoginCard = loginCard }, reply, replyBytesMax,
            cancellationToken);

    /// <inheritdoc cref="AnswerAsync(ReadOnlyMemory{byte}, string, ILoginGate, PooledBytes, long,
    /// ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <param name="requester">Who sent it.</param>
    public async Task<ServerOutcome> AnswerAsync(
        ReadOnlyMemory<byte> message, Requester requester, PooledBytes reply, long replyBytesMax,
        CancellationToken cancellationToken)
    {
        var options = _options.Server with
        {
            ReplyBytesMax = Math.Min(replyBytesMax, _options.Server.ReplyBytesMax),
            Logins = requester.Logins,
            PeerCapabilities = requester.Capabilities,
        };
        var now = Instant.FromDateTime(_clock.GetUtcNow());
        var request = RequestSummary.Of(message.Span, options.Limits);

        // A pull that would wait behind a long round of another client leaves the clusters to the next one.
        request = _writer.IsBusy ? request with { MakesClusters = false } : _clusters.Limit(request, now);

        ServerOutcome outcome;
        try
        {
            outcome = request.Access == StoreAccess.Write || request.MakesClusters
                ? await _writer.RunAsync(Handle, cancellationToken)
                : await _readers.RunAsync(Handle, cancellationToken);
        }
        catch (EdgeSyncException e) when (e.Kind is ErrorKind.System or ErrorKind.Corrupt)
        {
            // A fault on this side: a full disk, a damaged file. Clients get no details, so the log does.
            _log.RepositoryFailed(_writer.Path, e.Message, e.Hint);
            if (e is SqliteException { MayPass: true })
                throw new EdgeSyncException(ErrorKind.Unavailable, "the repository is not available", null, e);

            throw;
        }

        if (outcome.Changed)
        {
            _clusters.OnChanged();
            Pushed?.Invoke();
        }

        return outcome;

        ServerOutcome Handle(Repository repository)
        {
            reply.Clear();
            if (request.Access == StoreAccess.Write && _writer.WriteFault is { } fault) throw fault;

            using var store = new RepositoryArtifactStore(repository);
            return new ServerHandler(store, options).Handle(
                now, message, request, requester.Address, reply, requester.LoginCard);
        }
    }
}

/// <summary>Who sent a message.</summary>
/// <param name="Address">For the records of the repository.</param>
internal sealed record Requester(string Address, ILoginGate Logins)
{
    /// <summary>A login card that the transport carried beside the message.</summary>
    public ReadOnlyMemory<byte> LoginCard { get; init; }

    /// <inheritdoc cref="ServerOptions.PeerCapabilities"/>
    public string? Capabilities { get; init; }
}

/// <summary>The resources of one repository for its clients.</summary>
internal sealed record RepositoryHostOptions
{
    /// <summary>Read connections, opened on first use.</summary>
    public int ReadersMax { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 8);

    public ServerOptions Server { get; init; } = new();
}
