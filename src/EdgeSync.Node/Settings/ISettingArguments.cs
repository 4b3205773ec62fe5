namespace EdgeSync.Node.Settings;

/// <summary>The settings on a command line. The program that embeds a node implements it.</summary>
internal interface ISettingArguments
{
    /// <summary>The named settings file; null without one.</summary>
    string? File { get; }

    /// <exception cref="EdgeSync.Primitives.EdgeSyncException">It cannot be read.</exception>
    byte[] ReadFile(string path);

    /// <summary>The value of a flag; null when it is not given.</summary>
    /// <exception cref="EdgeSync.Primitives.EdgeSyncException">It is invalid.</exception>
    SettingInput? ValueOf(SettingFlag flag);
}
