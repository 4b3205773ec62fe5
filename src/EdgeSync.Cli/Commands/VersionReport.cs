using System.Runtime.InteropServices;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Node;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Cli.Commands;

/// <summary>The components of this binary.</summary>
internal sealed record VersionReport(
    string Version, string Commit, string Framework, string Sqlite, string Platform) : IReport
{
    public static VersionReport Current() => new(
        BuildInfo.Version,
        BuildInfo.Commit,
        RuntimeInformation.FrameworkDescription,
        SqliteLibrary.Version,
        RuntimeInformation.RuntimeIdentifier);

    public static CommandSpec CreateCommand() =>
        new("version", "Print version, commit, framework and SQLite.", context =>
    {
        context.Output.Write(Current());
        return ExitCode.Ok;
    })
        {
            Examples = ["version", "version --json"],
        };

    public override string ToString() =>
        $"edgesync {Version} (commit {Commit}, {Framework}, SQLite {Sqlite}, {Platform})";

    public void Print(TextWriter output) => output.WriteLine(ToString());

    /// <summary>Bytes straight to the stream: this avoids initializing the console and its encodings.</summary>
    public void PrintTo(Stream output) => output.Write(Encoding.UTF8.GetBytes(ToString() + "\n"));
}
