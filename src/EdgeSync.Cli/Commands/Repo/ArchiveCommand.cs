using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage.Archives;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary><c>zip</c>, <c>tarball</c> and <c>sqlar</c>: one command with three formats.</summary>
internal static class ArchiveCommand
{
    private static readonly Argument<string> Version = new("VERSION") { Description = "Check-in." };
    private static readonly Argument<string> Target = new Argument<string>("PATH")
    {
        Description = "The new file; empty or /dev/null writes none."
    }.TakesEmpty();

    private static readonly Option<string?> Exclude = new("--exclude", "-X")
    {
        Description = "Leave out the files that these globs fit.",
        HelpName = "GLOBS"
    };

    private static readonly Option<string?> Include = new("--include")
    {
        Description = "Only the files that these globs fit.",
        HelpName = "GLOBS"
    };

    private static readonly Option<bool> List = new("--list", "-l") { Description = "Print the names of the files." };

    private static readonly Option<string?> Folder = new Option<string?>("--name")
    {
        Description = "Folder that everything is in (default: project, date and hash; empty for none).",
        HelpName = "FOLDER-NAME"
    }.TakesEmpty();

    public static CommandSpec CreateZip() => Create(
        "zip", "Write the files of a check-in as a ZIP archive.",
        (path, time) => Writing(path, stream => new ZipArchiveFile(stream, time)));

    public static CommandSpec CreateTarball() => Create(
        "tarball", "Write the files of a check-in as a gzipped tar archive.",
        (path, time) => Writing(path, stream => new TarArchive(stream, time.UnixSeconds)));

    public static CommandSpec CreateSqlar() => Create(
        "sqlar", "Write the files of a check-in as an SQLite archive.",
        (path, time) => (new SqlarArchive(path, time.UnixSeconds), null));

    private static CommandSpec Create(
        string name, string summary, Func<string, ArchiveTime, (IArchiveWriter Writer, Stream? Stream)> open) =>
        new(name, summary, context => Run(context, open))
        {
            Arguments = { Version, Target },
            Options = { Exclude, Include, List, Folder },
            Examples = [$"repo {name} trunk project.{name}", $"repo {name} tip '' --list --exclude '*.png,doc/*'"],
        };

    private static (IArchiveWriter Writer, Stream? Stream) Writing(string path, Func<Stream, IArchiveWriter> open)
    {
        var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 64 * 1024);
        return (open(stream), stream);
    }

    private static ExitCode Run(
        CommandContext context, Func<string, ArchiveTime, (IArchiveWriter Writer, Stream? Stream)> open)
    {
        using var repository = context.OpenToRead();
        var checkin = repository.Names.ResolveCheckin(context.Require(Version));
        var archive = new CheckinArchive(repository, checkin, new ArchiveOptions
        {
            Folder = context.Get(Folder) ?? CheckinArchive.DefaultFolder(repository, checkin),
            Include = context.Get(Include) is { } include ? new NameGlob(include) : null,
            Exclude = context.Get(Exclude) is { } exclude ? new NameGlob(exclude) : null,
        });
        var target = context.Require(Target);
        if (Directory.Exists(target))
        {
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{target} is a folder, and a file is needed", "name a file in it");
        }

        var names = target is "" or "/dev/null"
            ? archive.Write(null)
            : WriteTo(target, path => open(path, archive.Time), archive);
        context.Output.Write(new ArchiveReport(
            repository.Content.NameOf(checkin).ToString(), target is "" or "/dev/null" ? null : target, names)
        {
            IsListed = context.Get(List),
        });
        return ExitCode.Ok;
    }

    // The file has its name when it is whole.
    private static IReadOnlyList<string> WriteTo(
        string target, Func<string, (IArchiveWriter Writer, Stream? Stream)> open, CheckinArchive archive)
    {
        var partial = target + ".part";
        File.Delete(partial);
        try
        {
            IReadOnlyList<string> names;
            var (writer, stream) = open(partial);
            using (stream)
            using (writer) names = archive.Write(writer);
            File.Move(partial, target, overwrite: true);
            return names;
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }
}

/// <param name="Checkin">The check-in.</param>
/// <param name="File">The archive; null when none was written.</param>
/// <param name="Files">Names in the archive.</param>
internal sealed record ArchiveReport(string Checkin, string? File, IReadOnlyList<string> Files) : IReport
{
    internal bool IsListed { get; init; }

    public void Print(TextWriter output)
    {
        foreach (var file in IsListed ? Files : []) output.WriteLine(DisplayText.Name(file));
        if (File is not null)
            output.WriteLine($"wrote {DisplayText.Name(File)}: {DisplayText.Number(Files.Count)} files");
    }

    public void PrintAsStock(TextWriter output)
    {
        foreach (var file in IsListed ? Files : []) output.WriteLine(file);
    }
}
