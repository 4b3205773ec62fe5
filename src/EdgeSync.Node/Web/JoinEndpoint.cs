using EdgeSync.Net.Http;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Web;

/// <summary>Serves machines that join by code: one token, one login. Over TLS only.</summary>
/// <param name="hosts">The repositories that can be joined.</param>
/// <param name="node">Our name.</param>
/// <param name="joined">Called before the reply is sent, so that the login works when it arrives.</param>
internal sealed class JoinEndpoint(
    Func<IReadOnlyList<RepositoryHost>> hosts, string node, Func<Task> joined, LoginAccount logins, ILogger log)
{
    /// <summary>Whether machines can join here: there is a port with TLS for them.</summary>
    public bool IsOpen { get; set; }

    public void Map(IEndpointRouteBuilder app) =>
        app.MapPost(
            JoinRequest.Path,
            (HttpContext context, CancellationToken cancellationToken) => AnswerAsync(context, cancellationToken));

    private async Task<IResult> AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (!IsOpen || !context.Request.IsHttps || !context.Request.HasJsonContentType())
            return Refusal(415, "This node cannot be joined here.");

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, cancellationToken);
        RequestRecord.Of(context).BytesIn = body.Length;
        if (JoinRequest.TryParse(body.ToArray()) is not { } asked)
            return Refusal(400, "a token and the name of a machine are expected");

        var from = context.Connection.RemoteIpAddress!.ToString();
        var gate = logins.GateOf(context.Connection.RemoteIpAddress!, "join");
        if (!gate.IsOpen("")) return Refusal(429, "Too many unknown join codes from your address; wait a minute.");

        try
        {
            foreach (var host in hosts())
            {
                var (grant, project) = await host.Writer.RunAsync(
                    r => (r.JoinTokens.Redeem(asked.Token, asked.Machine), r.ProjectCode), cancellationToken);
                if (grant is null) continue;

                await joined();
                log.JoinAccepted(asked.Machine, grant.Login, from);
                return Results.Text(
                    new JoinAnswer(grant.Login, grant.Password, project, node).ToJson(), JoinRequest.ContentType);
            }
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Denied)
        {
            log.JoinRefused(asked.Machine, from, e.Message);
            return Refusal(403, e.Message);
        }

        gate.OnLogin("", succeeded: false);
        log.JoinRefused(asked.Machine, from, "unknown token");
        return Refusal(403, "unknown token: the join code is of another node, or too old");
    }

    private static IResult Refusal(int status, string sentence) => Results.Text(sentence + "\n", statusCode: status);
}
