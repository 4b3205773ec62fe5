using EdgeSync.Net.Http;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Repositories;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web;

/// <summary>Serves machines that join by code: one token, one login. Over TLS only.</summary>
internal sealed class JoinEndpoint(JoinGate joins, LoginAccount logins)
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

        var address = context.Connection.RemoteIpAddress!;
        var outcome = await joins.RedeemAsync(
            asked, address.ToString(), logins.GateOf(address, "join"), cancellationToken);
        return outcome.Answer is { } answer
            ? Results.Text(answer.ToJson(), JoinRequest.ContentType)
            : Refusal(outcome.Status, outcome.Sentence!);
    }

    private static IResult Refusal(int status, string sentence) => Results.Text(sentence + "\n", statusCode: status);
}
