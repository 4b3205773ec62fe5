namespace EdgeSync.Node.Settings;

/// <summary>What a command line says of the settings. The program that embeds a node implements it.</summary>
internal interface ISettingArguments
{
    /// <summary>The settings file that is named; null when none is.</summary>
    string? File { get; }

    /// <exception cref="EdgeSync.Primitives.EdgeSyncException">It cannot be read.</exception>
    byte[] ReadFile(string path);

    /// <summary>What is given for a flag; null when it is not given.</summary>
    /// <exception cref="EdgeSync.Primitives.EdgeSyncException">It is wrong.</exception>
    SettingInput? ValueOf(SettingFlag flag);
}
