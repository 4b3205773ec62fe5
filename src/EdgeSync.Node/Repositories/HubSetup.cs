using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Repositories;

/// <summary>A login that a hub made at start, with the password that is shown once.</summary>
internal sealed record MadeUser(string Login, string? Password);

/// <summary>
/// Brings a hub's repository into the configured state: existing, of that project, with those users.
/// </summary>
internal static class HubSetup
{
    private const string AdminUser = "hub";

    /// <summary>Creates an empty repository where there is none and no source to clone from.</summary>
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

    /// <exception cref="EdgeSyncException">A password file is missing, or readable by others.</exception>
    public static void RequireSecrets(HubSection settings)
    {
        foreach (var user in settings.Users) SecretOf(user);
    }

    /// <summary>
    /// The capabilities of <c>nobody</c> and the users, in each repository; rights of existing users are kept.
    /// </summary>
    /// <returns>Logins that were created; one without a password file has the same new password everywhere.</returns>
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
    /// The same while the hub runs. A new password could not be shown then.
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
