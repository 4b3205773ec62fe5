using EdgeSync.Agent.Notify;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Notify;

/// <summary>
/// Where messages are kept: <c>notify.fossil</c> beside a repository. Its project code follows from that
/// repository's, and its first check-in is the same everywhere: copies that are created on several machines are copies
/// of one repository, and sync (docs/adr/0078).
/// </summary>
internal static class NotifyPlace
{
    public const string FileName = MessagesSetting.FileName;

    private const string User = "notify";

    // 2026-01-01: any time that is the same for all.
    private static readonly Instant Beginning = Instant.FromUnixSeconds(1767225600);

    /// <summary>Its own path for a notify repository, the file beside it for another one.</summary>
    public static string Beside(string repository) => MessagesSetting.Beside(repository);

    public static bool IsOne(string path) => MessagesSetting.IsOne(path);

    /// <summary>Creates it, if it is not there.</summary>
    /// <param name="projectCode">Of the repository that it is beside; null makes a project of its own.</param>
    /// <returns>True: it was created.</returns>
    public static bool CreateMissing(string path, string? projectCode, TimeProvider clock)
    {
        if (File.Exists(path) && !Repository.RemoveStub(path)) return false;

        using var repository = Repository.Create(path, new RepositoryCreateOptions
        {
            AdminUser = User,
            ProjectName = "notify",
            ProjectCode = projectCode is null ? null : NotifyNames.ProjectCodeOf(projectCode),
            InitialDate = Beginning,
            Clock = clock,
        });
        return true;
    }

    /// <summary>The project code of a repository that may not exist.</summary>
    public static string? CodeBeside(string repository)
    {
        if (!File.Exists(repository) || IsOne(repository)) return null;

        using var beside = Repository.Open(repository, RepositoryOptions.ReadOnly);
        return beside.Settings["project-code"];
    }

    /// <summary>The name of a project for messages, from a repository's file; null: it is not a valid one.</summary>
    public static string? ProjectOf(string repository)
    {
        if (IsOne(repository)) return null;

        var name = Path.GetFileNameWithoutExtension(repository);
        return NotifyNames.IsProject(name) ? name : null;
    }
}
