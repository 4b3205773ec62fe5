using System.CommandLine;
using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class UnversionedCommand
{
    private static readonly Argument<string> Name = new("UVFILE")
    {
        Description = "Name of the file in the repository."
    };

    private static readonly Argument<string> File = new("FILE") { Description = "File to store; - is standard input." };
    private static readonly Argument<string> Target =
        new("OUTPUT") { Description = "File to write; - is standard output." };
    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description = "File to write (default: stdout).",
        HelpName = "FILE"
    };

    public static CommandSpec Create() => new("uv", "Files without history: only the newest content is kept.")
    {
        new CommandSpec("ls", "List them, including deleted ones.", RunList) { Examples = ["repo uv ls"] }.Also("list"),
        new CommandSpec("put", "Store a file.", RunPut)
        {
            Arguments = { Name, File },
            Examples = ["repo uv put manual.pdf ./out/manual.pdf"]
        }.Also("add"),
        new CommandSpec("get", "Print or write one.", RunGet)
        {
            Arguments = { Name },
            Options = { To },
            Examples = ["repo uv get manual.pdf -o manual.pdf"]
        }.Also("cat"),
        new CommandSpec("export", "Write one to a file.", RunExport)
        {
            Arguments = { Name, Target },
            Examples = ["repo uv export manual.pdf out/manual.pdf"]
        },
        new CommandSpec("delete", "Delete one; peers delete it too.", RunDelete)
        {
            Arguments = { Name },
            Examples = ["repo uv delete manual.pdf"]
        }.Also("rm", "remove"),
        new CommandSpec("edit", "Change one in an editor.", RunEdit)
        {
            Arguments = { Name },
            Examples = ["repo uv edit notes.txt"]
        },
        new CommandSpec("touch", "Make one the newest, without another content.", RunTouch)
        {
            Arguments = { Name },
            Examples = ["repo uv touch manual.pdf"]
        },
        SyncCommands.CreateUnversionedSync(),
        SyncCommands.CreateUnversionedRevert(),
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var files = repository.Unversioned.List().Select(f => new UnversionedFile(
            f.Name, Instant.FromUnixSeconds(f.MtimeSeconds).ToString(), f.Size,
            f.IsDeletion ? null : f.Hash.ToString()));
        context.Output.Write(new UnversionedListReport([.. files]));
        return ExitCode.Ok;
    }

    private static ExitCode RunPut(CommandContext context)
    {
        var name = context.Require(Name);
        var content = InputFile.ReadAll(context.Require(File));
        using var repository = context.OpenToWrite();
        using var transaction = repository.Begin();
        if (repository.Unversioned.TryGet(name, out var before) && before.AsSpan().SequenceEqual(content))
        {
            repository.Unversioned.TryFind(name, out var there);
            context.Output.Write(new UnversionedReport("already_wrote", name, there.Size, there.Hash.ToString()));
            return ExitCode.Ok;
        }

        var entry = repository.Unversioned.Put(name, content);
        transaction.Commit();
        context.Output.Write(new UnversionedReport("wrote", name, entry.Size, entry.Hash.ToString()));
        return ExitCode.Ok;
    }

    private static ExitCode RunGet(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToRead();
        if (!repository.Unversioned.TryGet(name, out var content)) throw Unknown(repository.Path, name);

        var file = context.Get(To);
        if (file is null && context.Output.IsJson)
        {
            repository.Unversioned.TryFind(name, out var entry);
            context.Output.Write(CatReport.Of(entry.Hash, content));
            return ExitCode.Ok;
        }

        Write(context, repository, name, content, file);
        return ExitCode.Ok;
    }

    private static ExitCode RunExport(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToRead();
        if (!repository.Unversioned.TryGet(name, out var content)) throw Unknown(repository.Path, name);

        var file = context.Require(Target);
        Write(context, repository, name, content, file == "-" ? null : file);
        return ExitCode.Ok;
    }

    private static void Write(CommandContext context, Repository repository, string name, byte[] content, string? file)
    {
        InputFile.WriteAll(file, content, context.Output);
        if (file is null) return;

        repository.Unversioned.TryFind(name, out var written);
        context.Output.Write(new UnversionedReport("wrote", file, content.Length, written.Hash.ToString()));
    }

    private static ExitCode RunDelete(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        using var transaction = repository.Begin();
        if (!repository.Unversioned.TryFind(name, out var before)) throw Unknown(repository.Path, name);

        if (!before.IsDeletion) repository.Unversioned.Delete(name);
        transaction.Commit();
        context.Output.Write(
            new UnversionedReport(before.IsDeletion ? "already_deleted" : "deleted", name, 0, null));
        return ExitCode.Ok;
    }

    private static ExitCode RunEdit(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        UnversionedEditing.Edit(repository, name, () => repository.Now.UnixSeconds);
        repository.Unversioned.TryFind(name, out var written);
        context.Output.Write(new UnversionedReport("wrote", name, written.Size, written.Hash.ToString()));
        return ExitCode.Ok;
    }

    private static ExitCode RunTouch(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        using var transaction = repository.Begin();
        if (!repository.Unversioned.TryFind(name, out var file) || file.IsDeletion)
            throw Unknown(repository.Path, name);

        repository.Unversioned.Touch(name, Math.Max(repository.Now.UnixSeconds, file.MtimeSeconds + 1));
        transaction.Commit();
        context.Output.Write(new UnversionedReport("touched", name, file.Size, file.Hash.ToString()));
        return ExitCode.Ok;
    }

    private static EdgeSyncException Unknown(string path, string name) =>
        new(ErrorKind.NotFound, $"{path} has no unversioned file '{name}'", "edgesync repo uv ls");
}

/// <param name="Hash">Null for a deletion.</param>
internal sealed record UnversionedFile(string Name, string Date, long Size, string? Hash);

internal sealed record UnversionedListReport(IReadOnlyList<UnversionedFile> Files) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Files.Count == 0 ? 0 : Files.Max(f => f.Name.Length);
        foreach (var file in Files)
            output.WriteLine(
                $"{DisplayText.Name(file.Name).PadRight(width)}  {DisplayText.Minute(file.Date)}  {file.Size,10}  "
                    + $"{file.Hash?[..10] ?? "[deleted]"}");
    }
}

/// <param name="Status"><c>wrote</c>, <c>touched</c>, <c>deleted</c>, or with <c>already_</c> in front.</param>
internal sealed record UnversionedReport(string Status, string Name, long Bytes, string? Hash) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Status switch
    {
        "already_wrote" => $"{Name} has this content already",
        "already_deleted" => $"{Name} is deleted already",
        _ => $"{Status} {Name}",
    });
}
