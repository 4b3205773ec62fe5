using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

internal static class InfoCommand
{
    public static CommandSpec Create() => new("info", "Show the project, its codes and its size.", Run)
    {
        Arguments = { Globals.RepoArgument },
        Examples = ["repo info project.fossil", "repo info -R project.fossil --json"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var summary = RepositorySummary.Of(repository);
        var report = new InfoReport(
            repository.Path, summary.ProjectName, summary.ProjectCode, summary.ServerCode, summary.HashPolicy,
            summary.Artifacts,
            summary.Deltas, summary.Phantoms, summary.Private, summary.Shunned, summary.Unversioned, summary.Checkins,
            summary.FirstDate?.ToString(), summary.LastDate?.ToString(), summary.ContentBytes, summary.StoredBytes,
            new FileInfo(repository.Path).Length);
        context.Output.Write(report);
        return ExitCode.Ok;
    }
}

internal sealed record InfoReport(
    string Repository, string? ProjectName, string ProjectCode, string ServerCode, string HashPolicy, long Blobs,
    long Deltas,
    long Phantoms, long Private, long Shunned, long Unversioned, long Checkins, string? FirstCheckin,
    string? LastCheckin,
    long ContentBytes, long StoredBytes, long FileBytes) : IReport
{
    public void Print(TextWriter output)
    {
        Line("repository", Repository);
        if (ProjectName is not null) Line("project-name", ProjectName);
        Line("project-code", ProjectCode);
        Line("server-code", ServerCode);
        Line("hash-policy", HashPolicy);
        Line(
            "check-ins",
            FirstCheckin is null ? DisplayText.Number(Checkins) : $"{DisplayText.Number(Checkins)} "
                + $"({FirstCheckin[..10]} to {LastCheckin![..10]})");
        Line("blobs", DisplayText.Number(Blobs));
        Line("deltas", DisplayText.Number(Deltas));
        Line("phantoms", DisplayText.Number(Phantoms));
        if (Private > 0) Line("private", DisplayText.Number(Private));
        if (Shunned > 0) Line("shunned", DisplayText.Number(Shunned));
        if (Unversioned > 0) Line("unversioned", DisplayText.Number(Unversioned));
        Line(
            "total size",
            $"{DisplayText.Bytes(ContentBytes)} in {DisplayText.Bytes(StoredBytes)}, file "
                + $"{DisplayText.Bytes(FileBytes)}");

        void Line(string name, string value) => output.WriteLine($"{name + ":",-14} {value}");
    }
}
