using System.Text.Json;
using EdgeSync.Cli.Configuration;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Hosting.Node;

/// <summary>A login that a hub made at start, with the password that is shown once.</summary>
internal sealed record MadeUser(string Login, string? Password) : IJsonObject
{
    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("login"u8, Login);
        json.Put("password"u8, Password);
    }
}

/// <summary>Brings a hub's repository into the state that the settings ask for: there, of that project, with those users.</summary>
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

        using var made = Repository.Create(path, new RepositoryCreateOptions { AdminUser = AdminUser, ProjectCode = repository.ProjectCode, Clock = clock });
    }

    /// <summary>Nobody's capabilities and the users; rights that somebody has already are kept.</summary>
    public static async Task<IReadOnlyList<MadeUser>> ApplyAsync(RepositoryHost host, HubSection settings, CancellationToken cancellationToken)
    {
        var secrets = settings.Users.Select(u => u.PasswordFile is { } file ? Secrets.FirstLine(file) : null).ToList();
        return await host.Writer.RunAsync(
            repository =>
            {
                var made = new List<MadeUser>();
                if (settings.NobodyCaps is { Length: > 0 } caps)
                {
                    if (repository.Users.TryGet("nobody", out var nobody))
                    {
                        if (nobody!.Capabilities != caps) repository.Users.SetCapabilities("nobody", caps);
                    }
                    else
                    {
                        repository.Users.Add("nobody", caps, "");
                    }
                }

                for (var i = 0; i < settings.Users.Count; i++)
                {
                    var user = settings.Users[i];
                    if (repository.Users.TryGet(user.Login, out _)) continue;

                    var password = repository.Users.Add(user.Login, user.Caps, secrets[i]);
                    made.Add(new MadeUser(user.Login, secrets[i] is null ? password : null));
                }

                return made;
            },
            cancellationToken);
    }
}
