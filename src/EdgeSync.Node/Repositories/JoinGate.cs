using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Node.Joining;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Repositories;

/// <summary>The result of a join request: a status of HTTP, and what belongs to it.</summary>
/// <param name="Answer">With status 200.</param>
/// <param name="Sentence">With every other one.</param>
internal sealed record JoinOutcome(int Status, JoinAnswer? Answer, string? Sentence)
{
    public static JoinOutcome Refusal(int status, string sentence) => new(status, null, sentence);
}

/// <summary>
/// Redeems the tokens of join codes for the machines that present them, over HTTPS or over iroh: one token, one login.
/// </summary>
/// <param name="hosts">The repositories that can be joined.</param>
/// <param name="node">Our name.</param>
/// <param name="joined">Called before the reply is sent, so that the login works when it arrives.</param>
internal sealed class JoinGate(
    Func<IReadOnlyList<RepositoryHost>> hosts, string node, Func<Task> joined, ILogger log)
{
    /// <param name="asked">What the machine sent; its endpoint becomes a trusted peer.</param>
    /// <param name="from">Its address, for the log.</param>
    /// <param name="logins">Limits guessing.</param>
    public async Task<JoinOutcome> RedeemAsync(
        JoinRequest asked, string from, ILoginGate logins, CancellationToken cancellationToken)
    {
        if (!logins.IsOpen(""))
            return JoinOutcome.Refusal(429, "Too many unknown join codes from your address; wait a minute.");

        try
        {
            foreach (var host in hosts())
            {
                var (grant, project) = await host.Writer.RunAsync(
                    r => (Redeem(r, asked), r.ProjectCode), cancellationToken);
                if (grant is null) continue;

                await joined();
                log.JoinAccepted(asked.Machine, grant.Login, from);
                return new JoinOutcome(200, new JoinAnswer(grant.Login, grant.Password, project, node), null);
            }
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Denied)
        {
            log.JoinRefused(asked.Machine, from, e.Message);
            return JoinOutcome.Refusal(403, e.Message);
        }

        logins.OnLogin("", succeeded: false);
        log.JoinRefused(asked.Machine, from, "unknown token");
        return JoinOutcome.Refusal(403, "unknown token: the join code is of another node, or too old");
    }

    private static JoinGrant? Redeem(Repository repository, JoinRequest asked)
    {
        var grant = repository.JoinTokens.Redeem(asked.Token, asked.Machine);
        if (grant is not null && asked.Endpoint is { } endpoint)
        {
            var capabilities = repository.Users.Get(grant.Login).Capabilities;
            repository.TrustedPeers.Set(
                new TrustedPeer(endpoint, capabilities, repository.Now) { Name = asked.Machine });
        }

        return grant;
    }
}
