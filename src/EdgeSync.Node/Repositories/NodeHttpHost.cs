using EdgeSync.Net.Http;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Web;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// The web side of a daemon with any number of repositories: <c>/NAME</c> is the one whose file is <c>NAME.fossil</c>, and
/// a daemon with a single one serves it at every path, as stock does.
/// </summary>
internal sealed class NodeHttpHost(ServeLog log) : IXferHttpHost
{
    private volatile IReadOnlyDictionary<string, RepositoryHost> _byName = new Dictionary<string, RepositoryHost>();

    /// <summary>Replaces the repositories; requests that run keep theirs.</summary>
    public void Serve(IEnumerable<RepositoryHost> hosts)
    {
        var byName = new Dictionary<string, RepositoryHost>(StringComparer.Ordinal);
        foreach (var host in hosts) byName.TryAdd(NameOf(host.FilePath), host);
        _byName = byName;
    }

    /// <summary>Health, status and metrics of the whole daemon.</summary>
    public OperationsPages? Pages { get; set; }

    public static string NameOf(string path) => Path.GetFileNameWithoutExtension(path);

    /// <summary>Names of those whose first copy is not there yet.</summary>
    public Func<IEnumerable<string>> Waiting { get; set; } = () => [];

    public ValueTask<XferHttpReply> ExchangeAsync(XferHttpRequest request, CancellationToken cancellationToken) =>
        Find(request.Path) is { } host ? host.ExchangeAsync(request, cancellationToken)
            : Waiting().Any() ? ValueTask.FromResult(XferHttpReply.Refusal(503, "The first copy of the repository is still on its way; try again later."))
            : ValueTask.FromResult(XferHttpReply.Refusal(404, $"No repository is called that. Here are: {string.Join(", ", _byName.Keys.Order(StringComparer.Ordinal))}."));

    public async ValueTask<Readiness> CheckReadinessAsync(CancellationToken cancellationToken)
    {
        var byName = _byName;
        if (byName.Count == 1) return await byName.Values.First().CheckReadinessAsync(cancellationToken);

        var checks = new List<(string, string?)>();
        foreach (var (name, host) in byName)
            checks.AddRange((await host.CheckReadinessAsync(cancellationToken)).Checks.Select(c => ($"{c.Name}:{name}", c.Fault)));
        return new Readiness(checks);
    }

    public ValueTask<XferHttpPage?> PageAsync(XferHttpPageRequest request, CancellationToken cancellationToken) =>
        Pages?.AnswerAsync(request, cancellationToken) ?? new((XferHttpPage?)null);

    /// <summary>Machines that join by code; null: nobody can.</summary>
    public JoinDesk? Joins { get; set; }

    public ValueTask<XferHttpPage?> PostedAsync(XferHttpPageRequest request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        Joins?.AnswerAsync(request, body, cancellationToken) ?? new((XferHttpPage?)null);

    public string Describe(string host, bool isHttps)
    {
        var byName = _byName;
        if (byName.Count == 1) return byName.Values.First().Describe(host, isHttps);

        var address = $"{(isHttps ? "https" : "http")}://{(host.Length > 0 ? host : "this-host")}";
        var lines = byName.Keys.Order(StringComparer.Ordinal).Select(name => $"  fossil clone {address}/{name} {name}.fossil");
        return $"Served by edgesync {BuildInfo.Version}:\n\n{string.Join('\n', lines)}";
    }

    public void Log(in XferHttpLogEntry entry) => log.Write(entry);

    private RepositoryHost? Find(string path)
    {
        var byName = _byName;
        var name = path.Trim('/').Split('/')[0];
        if (byName.TryGetValue(name, out var host) || byName.TryGetValue(Path.GetFileNameWithoutExtension(name), out host)) return host;

        return byName.Count == 1 ? byName.Values.First() : null;
    }
}
