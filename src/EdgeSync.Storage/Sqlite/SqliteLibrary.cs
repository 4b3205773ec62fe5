using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>The native library: loaded once, bundled beside the program or linked into it.</summary>
public static class SqliteLibrary
{
    private static readonly Lazy<string> LoadedVersion = new(Load);

    /// <summary>Version of the SQLite in use, such as 3.50.4.</summary>
    public static string Version => LoadedVersion.Value;

    internal static void EnsureLoaded() => _ = LoadedVersion.Value;

    private static string Load()
    {
        Batteries_V2.Init();
        return raw.sqlite3_libversion().utf8_to_string();
    }
}
