using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Repositories;

/// <summary>A login that a hub made at start, with the password that is shown once.</summary>
internal sealed record MadeUser(string Login, string? Password);

/// <summary>
/// Brings a hub's repository into the state that the settings ask for: there, of that project, with those users.
/// </summary>
internal static class HubSetup
{
    private const string AdminUser = "hub";

    /// <summary>An empty repository where there is none and nothing to seed it from.</summary>
    public static void CreateMissing(RepositorySettings repository, TimeProvider clock)
    {
        var path = Path.GetFullPath(repository.Path);
        if (File.Exists(path)) return;

        NodePaths.CreatePrivate(Path.GetDirectoryName(path)!);
        if (repository.CloneFrom is not null) return;

        using var made = Repository.Create(
            path,
            new RepositoryCreateOptions { AdminUser = AdminUser, ProjectCode = repository.ProjectCode, Clock = clock });
    }

    /// <exception cref="EdgeSyncException">The file of a password is missing, or others can read it.</exception>
    public static void RequireSecrets(HubSection settings)
    {
        foreach (var user in settings.Users) SecretOf(user);
    }

    /// <summary>
    /// Nobody's capabilities and the users, in each repository; rights that somebody has already are kept.
    /// </summary>
    /// <returns>Logins that were made; one that got no password from a file has the same new one everywhere.</returns>
    public static async Task<IReadOnlyList<MadeUser>> ApplyAsync(
        IReadOnlyList<RepositoryHost> hosts, HubSection settings, CancellationToken cancellationToken)
    {
        var made = new List<MadeUser>();
        foreach (var user in settings.Users)
        {
            var secret = SecretOf(user);
            var isOurs = secret is null;
            var isMade = false;
            foreach (var host in hosts)
            {
                var password = await host.Writer.RunAsync(
                    r => r.Users.TryGet(user.Login, out _) ? null : r.Users.Add(user.Login, user.Caps, secret),
                    cancellationToken);
                isMade |= password is not null;
                secret ??= password;
            }

            if (isMade) made.Add(new MadeUser(user.Login, isOurs ? secret : null));
        }

        if (settings.NobodyCaps is { Length: > 0 } caps)
        {
            foreach (var host in hosts)
            {
                await host.Writer.RunAsync(
                    repository =>
                    {
                        if (!repository.Users.TryGet("nobody", out var nobody))
                            repository.Users.Add("nobody", caps, "");
                        else if (nobody!.Capabilities != caps) repository.Users.SetCapabilities("nobody", caps);
                        return true;
                    },
                    cancellationToken);
            }
        }

        return made;
    }

    /// <summary>
    /// The same while the hub runs. A password that would have to be shown once has nowhere to be shown then.
    /// </summary>
    public static async Task ApplyAgainAsync(
        IReadOnlyList<RepositoryHost> hosts, HubSection settings, ILogger log, CancellationToken cancellationToken)
    {
        foreach (var user in settings.Users.Where(u => u.PasswordFile is null))
            log.UserNotCreated(user.Login);
        var known = new HubSection
        {
            NobodyCaps = settings.NobodyCaps,
            Users = [.. settings.Users.Where(u => u.PasswordFile is not null)]
        };
        await ApplyAsync(hosts, known, cancellationToken);
    }

    private static string? SecretOf(HubUser user) => user.PasswordFile is { } file ? Secrets.FirstLine(file) : null;
}
