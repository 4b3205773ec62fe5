using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Repositories;

/// <summary>Answers machines that join by code: one token, one login. By TLS alone.</summary>
/// <param name="hosts">The repositories that can be joined.</param>
/// <param name="node">Our name.</param>
/// <param name="joined">Called before the answer goes out, so that the login works when it arrives.</param>
internal sealed class JoinDesk(Func<IReadOnlyList<RepositoryHost>> hosts, string node, Func<Task> joined, ServeLog log)
{
    private const string Plain = "text/plain; charset=utf-8";

    /// <summary>Null for what is not for us.</summary>
    public async ValueTask<XferHttpPage?> AnswerAsync(XferHttpPageRequest request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        if (request.Path != JoinRequest.Path || !request.IsHttps) return null;
        if (JoinRequest.TryParse(body) is not { } asked) return Refusal(400, "a token and the name of a machine are expected");

        try
        {
            foreach (var host in hosts())
            {
                var (grant, project) = await host.Writer.RunAsync(r => (r.JoinTokens.Redeem(asked.Token, asked.Machine), r.ProjectCode), cancellationToken);
                if (grant is null) continue;

                await joined();
                log.Write("joined", ("machine", asked.Machine), ("login", grant.Login), ("from", request.RemoteAddress.ToString()));
                return new XferHttpPage(200, JoinRequest.ContentType, new JoinAnswer(grant.Login, grant.Password, project, node).ToJson());
            }
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Denied)
        {
            log.Write(LogLevel.Warning, "join refused", ("machine", asked.Machine), ("from", request.RemoteAddress.ToString()), ("because", e.Message));
            return Refusal(403, e.Message);
        }

        log.Write(LogLevel.Warning, "join refused", ("machine", asked.Machine), ("from", request.RemoteAddress.ToString()), ("because", "unknown token"));
        return Refusal(403, "the join code is not of this node, or is too old: its token is unknown");
    }

    private static XferHttpPage Refusal(int status, string sentence) => new(status, Plain, Encoding.UTF8.GetBytes(sentence + "\n"));
}
