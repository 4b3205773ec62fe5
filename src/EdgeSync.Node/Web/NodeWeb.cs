using EdgeSync.Net.Http;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Web;

/// <summary>
/// The repositories behind a node's HTTP ports: <c>/NAME</c> is the one whose file is <c>NAME.fossil</c>,
/// <c>/PROJECT-CODE</c> that with this project, and a node with a single one serves it at every path, as stock does.
/// </summary>
internal sealed class NodeWeb(LoginAccount logins, ILogger log) : IXferHost
{
    private volatile IReadOnlyDictionary<string, RepositoryHost> _byName = new Dictionary<string, RepositoryHost>();
    private volatile IReadOnlyDictionary<string, RepositoryHost> _main = new Dictionary<string, RepositoryHost>();

    /// <summary>Names of those whose first copy is not complete yet.</summary>
    public Func<string?> Waiting { get; set; } = () => null;

    /// <summary>The messages that the node keeps in sync; null: none.</summary>
    public Func<ServedMessages?> Messages { get; set; } = () => null;

    /// <summary>Called when users or their rights have changed: connections of theirs are checked again.</summary>
    public Func<CancellationToken, Task> AccessChanged { get; set; } = _ => Task.CompletedTask;

    /// <summary>Replaces the repositories; running requests keep theirs.</summary>
    public void Serve(IEnumerable<RepositoryHost> hosts)
    {
        var byName = new Dictionary<string, RepositoryHost>(StringComparer.Ordinal);
        foreach (var host in hosts) byName.TryAdd(host.Name, host);
        _byName = byName;

        // Messages do not take the paths of the repository that they are beside.
        var main = byName.Where(h => !MessagesSetting.IsOne(h.Value.FilePath))
            .ToDictionary(h => h.Key, h => h.Value, StringComparer.Ordinal);
        _main = main.Count > 0 ? main : byName;
    }

    public ValueTask<XferHttpReply> ExchangeAsync(XferHttpRequest request, CancellationToken cancellationToken) =>
        Find(request.Path) is { } host ? HttpExchange.AnswerAsync(host, logins, request, cancellationToken)
            : Waiting() is { } why ? ValueTask.FromResult(XferHttpReply.Refusal(503, why))
            : ValueTask.FromResult(
                XferHttpReply.Refusal(
                    404,
                    $"No such repository. The repositories here: "
                        + $"{string.Join(", ", _byName.Keys.Order(StringComparer.Ordinal))}."));

    public void Log(in XferHttpLogEntry entry) => log.HttpRequest(entry);

    /// <summary>
    /// The repositories, by their names in addresses; those of messages only where there are no others.
    /// </summary>
    public IReadOnlyDictionary<string, RepositoryHost> Repositories => _main;

    /// <summary>The repository with this file; null: it is not open.</summary>
    public RepositoryHost? HostOf(string filePath) => _byName.Values.FirstOrDefault(h => h.FilePath == filePath);

    /// <summary>The failed logins of the node.</summary>
    public LoginAccount Logins => logins;

    /// <summary>The repositories served, and how to clone them.</summary>
    /// <param name="host">The host as the client addressed it; empty if it sent none.</param>
    public string Describe(string host, bool isHttps)
    {
        var address = $"{(isHttps ? "https" : "http")}://{(host.Length > 0 ? host : "this-host")}";
        if (_main.Values.ToList() is [var only])
            return $"This is {only.ProjectName ?? "a Fossil project"}, served by edgesync {BuildInfo.Version}.\n\n  "
                + $"fossil clone {address}/ project.fossil";

        var lines = _byName.Keys.Order(StringComparer.Ordinal)
            .Select(name => $"  fossil clone {address}/{name} {name}.fossil");
        return $"Served by edgesync {BuildInfo.Version}:\n\n{string.Join('\n', lines)}";
    }

    private RepositoryHost? Find(string path)
    {
        var byName = _byName;
        var name = path.Trim('/').Split('/')[0];
        if (byName.TryGetValue(name, out var host)
            || byName.TryGetValue(Path.GetFileNameWithoutExtension(name), out host))
            return host;

        return byName.Values.FirstOrDefault(h => h.ProjectCode == name)
            ?? (_main.Count == 1 ? _main.Values.First() : null);
    }
}
