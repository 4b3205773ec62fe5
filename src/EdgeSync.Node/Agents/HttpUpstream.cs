using EdgeSync.Agent.Bridge;
using EdgeSync.Agent.Messages;
using EdgeSync.Net.Http;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>A project that a bridge serves.</summary>
/// <param name="Probe">The poller of the server's changes; null: none.</param>
internal sealed record BridgedProject(ProjectSubjects Subjects, IUpstreamServer Server, ProbeOptions? Probe);

/// <summary>A Fossil server that a bridge forwards requests to.</summary>
internal interface IUpstreamServer : IDisposable
{
    /// <summary>Its address, for display.</summary>
    string Url { get; }

    /// <summary>Sends one request, once.</summary>
    /// <exception cref="EdgeSyncException">The server cannot be reached, rejects, or sends more than a message may
    /// have.</exception>
    Task<(ReadOnlyMemory<byte> Reply, XferContentType Type)> PostAsync(
        XferContentType type, ReadOnlyMemory<byte> request, CancellationToken cancellationToken);
}

/// <summary>Over HTTP.</summary>
internal sealed class HttpUpstream(PeerUrl url, XferHttpClient http) : IUpstreamServer
{
    public string Url => url.ToString();

    public static HttpUpstream Open(BridgeProject project, TimeProvider clock)
    {
        var url = PeerUrl.Parse(project.Url);
        var options = new XferHttpClientOptions
        {
            UserAgent = $"EdgeSync/{BuildInfo.Version}",
            HttpCredentials = project.HttpAuthFile is { } file
            ? Secrets.FirstLine(file)
            : url is { User: { } user, Password: { } password } ? $"{user}:{password}"
            : null,
            Proxy = project.Proxy,
            Retry = RetryPolicy.None,
        };
        return new HttpUpstream(url, new XferHttpClient(options, clock));
    }

    public async Task<(ReadOnlyMemory<byte> Reply, XferContentType Type)> PostAsync(
        XferContentType type, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsync(url, type, request, mayRepeat: false, cancellationToken);
        using var memory = MemoryLimit.Messages.Open();
        using var body = new ReceivedBody();
        var size = 0L;
        while (await response.ReadAsync(body.GetMemory(), cancellationToken) is > 0 and var read)
        {
            MessageFrame.RequireSize(size += read, Url);
            MessageFrame.RequireRoom(memory, read, Url);
            body.Advance(read);
        }

        return (body.ToArray(), response.ContentType);
    }

    public void Dispose() => http.Dispose();
}
