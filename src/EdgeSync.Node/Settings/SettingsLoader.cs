using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>The settings in force, and their origins.</summary>
/// <param name="FileHoldsSecret">The file itself contains a password or token.</param>
internal sealed record LoadedSettings(
    NodeSettings Settings, string? File, IReadOnlyList<SettingValue> Values, bool FileHoldsSecret)
{
    /// <exception cref="EdgeSyncException">A file with a secret is missing, or readable by others.</exception>
    public void RequireSecrets()
    {
        if (FileHoldsSecret) Secrets.RequirePrivate(File!);
        foreach (var (_, file) in SettingsCheck.SecretFiles(Settings)) Secrets.RequirePrivate(file);
    }
}

/// <summary>
/// Reads the settings of a daemon: flag over environment over file over default. A reload calls it again: it reads file
/// and environment again and keeps the flags.
/// </summary>
internal sealed class SettingsLoader(ISettingArguments arguments, IReadOnlyList<SettingFlag> flags)
{
    /// <summary>Settings of a command, below every file.</summary>
    public IReadOnlyList<(string Path, SettingInput Value)> Preset { get; init; } = [];

    /// <summary>The repository, when the command line names one by <c>-R</c>.</summary>
    public string? Repository { get; init; }

    /// <summary>Variable that names the repository.</summary>
    public string RepositoryVariable { get; init; } = "LEAF_REPO";

    /// <summary>A list whose only element is set by flags and variables, such as <c>bridge.projects</c>.</summary>
    public string? ListOfFlags { get; init; }

    /// <summary>False: flags and variables only, without a file.</summary>
    public bool ReadsFile { get; init; } = true;

    /// <summary>Sets values that follow from others.</summary>
    public Action<NodeSettings>? Complete { get; init; }

    /// <exception cref="EdgeSyncException">A setting is invalid.</exception>
    public LoadedSettings Load()
    {
        var layers = new SettingLayers();
        foreach (var (path, value) in Preset) layers.Set(path, value, "default");
        var file = !ReadsFile
            ? null
            : arguments.File ?? Environment.GetEnvironmentVariable(NodePaths.FileVariable) switch
            {
                { Length: > 0 } named => named,
                _ => NodePaths.SettingsFile,
            };
        var holdsSecret = false;
        if (file is not null)
        {
            layers.AddFile(file, arguments.ReadFile(file));
            holdsSecret = layers.HoldsSecret;
        }

        AddRepository(layers);
        var given = Given().ToList();
        if (ListOfFlags is { } list
            && given.FirstOrDefault(
                g => g.Path.StartsWith(list + "[*]", StringComparison.Ordinal)) is { Origin: not null } first)
            layers.Set(list, SettingInput.OneDefault, first.Origin);
        foreach (var (path, value, origin) in given)
        {
            foreach (var place in path.Split(',')) layers.Set(place, value, origin);
        }

        var settings = layers.Bind();
        Complete?.Invoke(settings);
        SettingsCheck.Require(settings, file);
        return new LoadedSettings(settings, file, layers.Effective(), holdsSecret);
    }

    /// <summary>Variables, then flags: the later overrides.</summary>
    private IEnumerable<(string Path, SettingInput Value, string Origin)> Given()
    {
        foreach (var flag in flags)
        {
            if (flag.FromEnvironment() is { } value) yield return (flag.Path, value, $"variable {flag.Variable}");
        }

        foreach (var flag in flags)
        {
            if (arguments.ValueOf(flag) is { } value) yield return (flag.Path, value, $"flag {flag.Name}");
        }
    }

    // A named repository replaces the file's list, which is for daemons without one.
    private void AddRepository(SettingLayers layers)
    {
        var (path, origin) = Repository is not null
            ? (Repository, "flag --repo")
            : (Environment.GetEnvironmentVariable(RepositoryVariable), "variable " + RepositoryVariable);
        if (path is { Length: > 0 }) layers.Set("repositories", SettingInput.List([[(".path", path)]]), origin);
    }
}
