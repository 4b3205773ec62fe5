namespace EdgeSync.Node.Settings;

/// <summary>
/// The repositories of messages that <c>repositories[].notify</c> asks for: <c>notify.fossil</c> beside each of these
/// repositories, one in a folder, synced with the same peers.
/// </summary>
internal static class MessagesSetting
{
    public const string FileName = "notify.fossil";

    /// <summary>True for a repository of messages.</summary>
    public static bool IsOne(string path) => Path.GetFileName(path) == FileName;

    /// <summary>Its own path for a repository of messages, the file beside it for another one.</summary>
    public static string Beside(string repository)
    {
        var full = Path.GetFullPath(repository);
        return IsOne(full) ? full : Path.Combine(Path.GetDirectoryName(full)!, FileName);
    }

    /// <summary>Adds them to the list. Called again it changes nothing.</summary>
    public static LoadedSettings AddTo(LoadedSettings loaded)
    {
        var settings = loaded.Settings;
        if (!settings.Repositories.Exists(r => r.Notify)) return loaded;

        List<RepositorySettings> list = [.. settings.Repositories];
        foreach (var repository in list.Where(r => r.Notify && r.Path.Length > 0).ToList())
        {
            var path = Beside(repository.Path);
            var messages = list.FirstOrDefault(r => Path.GetFullPath(r.Path) == path);
            if (messages is null) list.Add(messages = Of(repository, path));
            messages.MessagesOf ??= repository.Path;
        }

        // The caller's own settings stay as they are.
        return loaded with
        {
            Settings = new NodeSettings
            {
                Node = settings.Node,
                Nats = settings.Nats,
                Iroh = settings.Iroh,
                Http = settings.Http,
                Assets = settings.Assets,
                Repositories = list,
                Hub = settings.Hub,
                Bridge = settings.Bridge,
                Telemetry = settings.Telemetry,
                Log = settings.Log,
            },
        };
    }

    private static RepositorySettings Of(RepositorySettings repository, string path) => new()
    {
        Path = path,
        Prefix = repository.Prefix,
        Peers = [.. repository.NotifyPeers],
        User = repository.User,
        Password = repository.Password,
        PasswordFile = repository.PasswordFile,
        Pin = repository.NotifyPeers.Count > 0 ? repository.Pin : null,
        Push = repository.Push,
        Pull = repository.Pull,
        Uv = true,
        Autosync = repository.Autosync,
        Poll = repository.Poll,
        ServeNats = repository.ServeNats,
    };
}
