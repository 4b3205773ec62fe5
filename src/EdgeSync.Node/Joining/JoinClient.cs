using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Joining;

/// <summary>
/// Redeems the token of a join code for a login. Every address of the code is tried; only a server with the key in the
/// code receives the token.
/// </summary>
internal static class JoinClient
{
    private static readonly TimeSpan ConnectTimeMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(30);
    private const int AnswerBytesMax = 64 * 1024;

    /// <param name="code">Where, and with which key.</param>
    /// <param name="request">With the token of the code.</param>
    /// <returns>The address that replied, and the grant.</returns>
    /// <exception cref="EdgeSyncException">
    /// Denied: another key, or a token that is wrong, used or expired. Unavailable: no server replies.
    /// </exception>
    public static async Task<(string Host, JoinAnswer Answer)> RedeemAsync(
        JoinCode code, JoinRequest request, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            ConnectTimeout = ConnectTimeMax
        };
        handler.SslOptions.RemoteCertificateValidationCallback = ServerPin.Check(code.ServerKey);
        using var http = HttpConnections.Client(handler, AnswerTimeMax);
        http.MaxResponseContentBufferSize = AnswerBytesMax;
        EdgeSyncException? refusal = null;
        var faults = new List<string>();
        foreach (var host in code.Hosts)
        {
            var authority = NodeFolder.Authority(host, code.WebPort);
            try
            {
                return (host, await AskAsync(http, authority, request, cancellationToken));
            }
            catch (HttpRequestException e) when (e.InnerException is AuthenticationException)
            {
                refusal = new EdgeSyncException(
                    ErrorKind.Denied, $"{authority} is not the node that the code is of: it has another key",
                    "edgesync repo invite, on the right machine, prints a new code", e);
            }
            catch (HttpRequestException e)
            {
                faults.Add($"{authority}: {(e.InnerException ?? e).Message.TrimEnd('.')}");
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                faults.Add($"{authority}: no answer");
            }
        }

        if (refusal is not null) throw refusal;

        var isOver = code.ExpiresAt <= Instant.FromDateTime(clock.GetUtcNow());
        throw new EdgeSyncException(
            ErrorKind.Unavailable, $"no address answered: {string.Join("; ", faults)}"
                + $"{(isOver ? $" (the code expired at {DisplayText.Minute(code.ExpiresAt.ToString())} UTC)" : "")}",
            "is 'edgesync up' running there? A firewall must let these ports through");
    }

    private static async Task<JoinAnswer> AskAsync(
        HttpClient http, string authority, JoinRequest request, CancellationToken cancellationToken)
    {
        using var content = new ByteArrayContent(request.ToJson());
        content.Headers.ContentType = new MediaTypeHeaderValue(JoinRequest.ContentType);
        using var response = await http.PostAsync(
            new Uri($"https://{authority}{JoinRequest.Path}"), content, cancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK) return JoinAnswer.Parse(body);

        var said = DisplayText.OneLine(Encoding.UTF8.GetString(body));
        throw response.StatusCode == HttpStatusCode.Forbidden
            ? new EdgeSyncException(
                ErrorKind.Denied, said, "edgesync repo invite, on the other machine, prints a new code")
            : new EdgeSyncException(
                (int)response.StatusCode >= 500 || response.StatusCode == HttpStatusCode.TooManyRequests
                ? ErrorKind.Unavailable
                : ErrorKind.Protocol,
                $"{authority} answers {(int)response.StatusCode}: {said}", "edgesync join CODE again, in a while");
    }
}
