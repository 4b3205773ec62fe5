using System.Globalization;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Answers a web server's exchanges from one repository. What writes goes through one thread; what only reads runs beside
/// it, on connections of its own.
/// </summary>
internal sealed class RepositoryHost : IXferHttpHost, IAsyncDisposable
{
    private const long FreeBytesMin = 64 << 20;
    private static readonly TimeSpan WritableWait = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ClustersPause = TimeSpan.FromMinutes(1);

    private readonly RepositoryQueue _writer;
    private readonly ReaderPool _readers;
    private readonly RepositoryHostOptions _options;
    private readonly TimeProvider _clock;
    private readonly ServeLog _log;
    private readonly LoginGuard _logins;

    private readonly string? _projectName;

    private long _roundsServed;
    private int _diskIsShort;

    // A pull makes the clusters that are due, which writes. So after a change, and now and then for changes that others
    // made to the file, one pull goes to the writer; all others run beside it.
    private long _clustersDueAtTicks;

    private RepositoryHost(RepositoryQueue writer, string? projectName, RepositoryHostOptions options, TimeProvider clock, ServeLog log)
    {
        _writer = writer;
        _projectName = projectName;
        _options = options;
        _clock = clock;
        _log = log;
        _logins = new LoginGuard(clock);
        _readers = new ReaderPool(writer.Path, options.ReadersMax, clock);
    }

    /// <exception cref="EdgeSyncException">The file is not there, or no repository.</exception>
    public static async Task<RepositoryHost> OpenAsync(
        string path, RepositoryHostOptions options, TimeProvider clock, ServeLog log, CancellationToken cancellationToken)
    {
        var writer = await new WriterOpening(path, clock, log).OpenAsync(RepositoryQueue.Open, cancellationToken);
        try
        {
            var (name, proxy, isReadOnly) = await writer.RunAsync(
                repository => (repository.Settings["project-name"], repository.Settings["proxy"], repository.IsReadOnly), cancellationToken);
            return new RepositoryHost(writer, name, options, clock, log) { IsReadOnly = isReadOnly, Proxy = proxy };
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    /// <summary>The one thread that writes; sessions of our own use it too.</summary>
    public RepositoryQueue Writer => _writer;

    public ReaderPool Readers => _readers;

    /// <summary>For those who ask over NATS: where they come from is not known there.</summary>
    public ILoginGate NatsLogins => _logins.GateOf("nats");

    public string FilePath => _writer.Path;

    /// <summary>Found so at opening. A status asks without waiting for the writing thread, which may be in a long round.</summary>
    public bool IsReadOnly { get; private init; }

    /// <summary>The setting, as it was at opening: for sessions of our own.</summary>
    public string? Proxy { get; private init; }

    public string? ProjectName => _projectName;

    public long RoundsServed => Interlocked.Read(ref _roundsServed);

    /// <summary>Called after a client's round brought something that is on disk now.</summary>
    public Action? Pushed { get; set; }

    public async ValueTask<XferHttpReply> ExchangeAsync(XferHttpRequest request, CancellationToken cancellationToken)
    {
        var encoding = request.ContentType == XferContentType.Compressed ? XferEncoding.Zlib : XferEncoding.Plain;
        var now = Instant.FromDateTime(_clock.GetUtcNow());
        var unpacked = XferFrame.UnpackedBytes(encoding, request.Body.Span);
        if (unpacked <= _options.MessageBytesMax && request.Memory is { } memory && !memory.TryGrow(unpacked))
        {
            var (status, sentence) = XferHttpServer.NoRoom(memory.IsBeyondAll(unpacked));
            return XferHttpReply.Refusal(status, sentence);
        }

        switch (XferFrame.TryDecode(encoding, request.Body, _options.MessageBytesMax, out var message))
        {
            case XferFrameFault.TooLarge:
                return XferHttpReply.Refusal(413, $"A message holds at most {_options.MessageBytesMax} bytes.");
            case XferFrameFault.Damaged:
                return XferHttpReply.Refusal(400, "The body is not what its content type says.");
        }

        var reply = new PooledBytes();
        using var span = HandleSpan.Begin("http");
        var outcome = await AnswerAsync(
            now, message, request.RemoteAddress.ToString(), _logins.GateOf(request.RemoteAddress), reply, long.MaxValue, LoginCookie.CardIn(request.Cookies), cancellationToken);
        span.Complete(outcome);
        if (outcome.LoginMustWait)
        {
            reply.Dispose();
            return XferHttpReply.Refusal(429, "Too many failed logins of this name from your address; wait a minute.") with { RetryAfter = LoginGuard.Pause };
        }

        return Frame(request, outcome, reply);
    }

    public async ValueTask<Readiness> CheckReadinessAsync(CancellationToken cancellationToken) =>
        new([("repository", await RepositoryFaultAsync(cancellationToken)), ("disk", DiskFault())]);

    /// <summary>The pages of the process that this host is part of; null serves none.</summary>
    public OperationsPages? Pages { get; set; }

    public ValueTask<XferHttpPage?> PageAsync(XferHttpPageRequest request, CancellationToken cancellationToken) =>
        Pages?.AnswerAsync(request, cancellationToken) ?? new((XferHttpPage?)null);

    /// <summary>What can be said of the repository itself; whom it syncs with is for others to add.</summary>
    public async ValueTask<RepositoryStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var status = new RepositoryStatus { Name = System.IO.Path.GetFileNameWithoutExtension(_writer.Path), Path = System.IO.Path.GetFullPath(_writer.Path) };
        try
        {
            var vitals = await _readers.RunAsync(RepositoryVitals.Of, cancellationToken);
            return status with
            {
                ProjectCode = vitals.ProjectCode,
                ProjectName = vitals.ProjectName,
                IsReadOnly = IsReadOnly,
                FileBytes = new FileInfo(_writer.Path).Length,
                Checkins = vitals.Checkins,
                LastCheckinAt = vitals.LastDate is { } date ? new DateTimeOffset(date.ToDateTime()) : null,
            };
        }
        catch (Exception e) when (e is EdgeSyncException or IOException)
        {
            return status;   // the checks say why
        }
    }

    public string Describe(string host, bool isHttps)
    {
        var name = _projectName ?? "a Fossil project";
        return $"This is {name}, served by edgesync {BuildInfo.Version}.\n\n"
            + $"  fossil clone {(isHttps ? "https" : "http")}://{(host.Length > 0 ? host : "this-host")}/ project.fossil";
    }

    public void Log(in XferHttpLogEntry entry)
    {
        _log.Write(entry);
    }

    public async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync();
        await _writer.DisposeAsync();
    }

    /// <summary>Answers one decoded message, from whatever transport it came.</summary>
    /// <param name="loginCard">A login card that the transport carried beside the message.</param>
    public async Task<ServerOutcome> AnswerAsync(
        Instant now, ReadOnlyMemory<byte> message, string address, ILoginGate logins, PooledBytes reply, long replyBytesMax, ReadOnlyMemory<byte> loginCard,
        CancellationToken cancellationToken)
    {
        var options = _options.Server with { ReplyBytesMax = Math.Min(replyBytesMax, _options.Server.ReplyBytesMax), Logins = logins };
        var writes = ServerHandler.AccessOf(message.Span, _options.Server.Limits) == StoreAccess.Write;
        var isClustersTurn = !writes && IsPull(message.Span) && now >= new Instant(Interlocked.Read(ref _clustersDueAtTicks));
        if (isClustersTurn) Interlocked.Exchange(ref _clustersDueAtTicks, (now + ClustersPause).UnixTicks);

        ServerOutcome outcome;
        try
        {
            outcome = writes || isClustersTurn
                ? await _writer.RunAsync(Handle, cancellationToken)
                : await _readers.RunAsync(Handle, cancellationToken);
        }
        catch (EdgeSyncException e) when (e.Kind is ErrorKind.System or ErrorKind.Corrupt)
        {
            // Trouble of our own: a full disk, a damaged file. Clients hear little of it, so the log does.
            _log.Write(LogLevel.Error, e.Message, ("repository", _writer.Path), ("try", e.Hint));
            throw;
        }

        Interlocked.Increment(ref _roundsServed);
        if (outcome.Changed)
        {
            Interlocked.Exchange(ref _clustersDueAtTicks, 0);
            Pushed?.Invoke();
        }

        return outcome;

        ServerOutcome Handle(Repository repository)
        {
            reply.Clear();
            using var store = new RepositoryArtifactStore(repository);
            return new ServerHandler(store, options).Handle(now, message, address, reply, loginCard);
        }
    }

    private static bool IsPull(ReadOnlySpan<byte> message) => message.StartsWith("pull "u8) || message.IndexOf("\npull "u8) >= 0;

    private static XferHttpReply Frame(XferHttpRequest request, ServerOutcome outcome, PooledBytes reply)
    {
        // Spec: the reply is framed as the request was, but for clone 3, whose content is compressed already.
        var type = outcome.MustBePlain ? XferContentType.Uncompressed : request.ContentType;
        var body = reply;
        if (type == XferContentType.Compressed)
        {
            body = new PooledBytes();
            using (reply) XferFrame.Encode(XferEncoding.Zlib, reply.Written.Span, body);
        }

        return new XferHttpReply(200, type, body.Written, body)
        {
            Note = NoteOf(outcome),
        };
    }

    private static string NoteOf(ServerOutcome outcome)
    {
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{outcome.Operation} user:{outcome.Login ?? "nobody"} sent:{outcome.ArtifactsSent} received:{outcome.ArtifactsReceived}");
        if (outcome.UnversionedReceived > 0) note += $" unversioned:{outcome.UnversionedReceived}";
        return outcome.Error is { } error ? $"{note} error:{error}" : note;
    }

    private async Task<string?> RepositoryFaultAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _writer.RunAsync(
                repository =>
                {
                    if (repository.IsReadOnly) return "read-only";
                    using var probe = repository.Begin();   // takes the write lock, and lets it go
                    return null;
                },
                cancellationToken).WaitAsync(WritableWait, _clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return $"no write lock within {WritableWait.TotalSeconds:F0} s";
        }
        catch (EdgeSyncException e)
        {
            return e.Message;
        }
    }

    private string? DiskFault()
    {
        var free = new DriveInfo(Path.GetFullPath(_writer.Path)).AvailableFreeSpace;
        var fault = free >= FreeBytesMin ? null : $"only {DisplayText.Bytes(free)} left";
        if (Interlocked.Exchange(ref _diskIsShort, fault is null ? 0 : 1) == 0 && fault is not null)
            _log.Write(LogLevel.Warning, "the disk is nearly full", ("repository", _writer.Path), ("because", fault), ("try", "free some space"));
        return fault;
    }
}

/// <summary>What one repository may spend on its clients.</summary>
internal sealed record RepositoryHostOptions
{
    /// <summary>A message once unpacked; a small body that claims more is refused before anything is unpacked.</summary>
    public int MessageBytesMax { get; init; } = 1 << 30;

    /// <summary>Connections that only read, opened when they are needed.</summary>
    public int ReadersMax { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 8);

    public ServerOptions Server { get; init; } = new();
}
