using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>The settings in force, and where they came from.</summary>
/// <param name="FileHoldsSecret">A password or token stands in the file itself.</param>
internal sealed record LoadedSettings(
    NodeSettings Settings, string? File, IReadOnlyList<SettingValue> Values, bool FileHoldsSecret)
{
    /// <exception cref="EdgeSyncException">A file with a secret in it is missing, or others can read it.</exception>
    public void RequireSecrets()
    {
        if (FileHoldsSecret) Secrets.RequirePrivate(File!);
        foreach (var (_, file) in SettingsCheck.SecretFiles(Settings)) Secrets.RequirePrivate(file);
    }
}

/// <summary>
/// Reads the settings of a daemon: flag over environment over file over default. Called again on reload, it reads file
/// and environment anew and keeps the flags.
/// </summary>
internal sealed class SettingsLoader(ISettingArguments arguments, IReadOnlyList<SettingFlag> flags)
{
    /// <summary>Settings that a command brings along, below every file.</summary>
    public IReadOnlyList<(string Path, SettingInput Value)> Preset { get; init; } = [];

    /// <summary>The repository, when the command line names one by <c>-R</c>.</summary>
    public string? Repository { get; init; }

    /// <summary>Variable that names the repository.</summary>
    public string RepositoryVariable { get; init; } = "LEAF_REPO";

    /// <summary>A list that flags and variables describe the only element of, such as <c>bridge.projects</c>.</summary>
    public string? ListOfFlags { get; init; }

    /// <summary>False: flags and variables alone, whatever file there is.</summary>
    public bool ReadsFile { get; init; } = true;

    /// <summary>Fills in what follows from other settings.</summary>
    public Action<NodeSettings>? Complete { get; init; }

    /// <exception cref="EdgeSyncException">Something in it cannot be.</exception>
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

    /// <summary>Variables, then flags: the later overrules.</summary>
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

    // A repository that is named stands alone: the file's list is for daemons that are told nothing else.
    private void AddRepository(SettingLayers layers)
    {
        var (path, origin) = Repository is not null
            ? (Repository, "flag --repo")
            : (Environment.GetEnvironmentVariable(RepositoryVariable), "variable " + RepositoryVariable);
        if (path is { Length: > 0 }) layers.Set("repositories", SettingInput.List([[(".path", path)]]), origin);
    }
}
