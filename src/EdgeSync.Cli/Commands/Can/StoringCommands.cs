using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Can;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Can;

/// <summary><c>can put</c>, <c>can get</c>, <c>can import</c> and <c>can export</c>.</summary>
internal static class StoringCommands
{
    private static readonly Argument<string[]> Files = new("FILE")
    {
        Description = "Files to store; - is standard input.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Argument<string> Folder = new("FOLDER") { Description = "A folder." };

    private static readonly Option<string?> Name = new("--name")
    {
        Description = "The logical name (default: that of the file).",
        HelpName = "NAME"
    };

    private static readonly Option<string?> Description = new("--description")
    {
        Description = "A description.",
        HelpName = "TEXT"
    };

    private static readonly Option<string?> Target = new("--output", "-o")
    {
        Description = "Write to this file (default: standard output).",
        HelpName = "FILE"
    };

    private static readonly Option<bool> Watch = new("--watch")
    {
        Description = "Go on until stopped, with what appears or changes in the folder.",
    };

    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Replace a file that exists." };

    public static CommandSpec Put() => new("put", "Store files as assets.", PutAsync)
    {
        Arguments = { Files },
        Options =
        {
            CanOptions.Tag, Name, CanOptions.InFolder, Description, CanOptions.Application, CanOptions.User,
            CanOptions.Type, CanOptions.Url, CanOptions.Config,
        },
        Examples = ["can put photo.jpg --tag vacation", "can put - --name notes.txt"],
    };

    public static CommandSpec Get() => new("get", "Write the content of an asset.", GetAsync)
    {
        Arguments = { CanOptions.Hash },
        Options = { Target, Force, CanOptions.Url, CanOptions.Config },
        Notes = "The content is checked against the hash; a file appears when it is whole.",
        Examples = ["can get b4cb4c0c3e -o photo.jpg"],
    };

    public static CommandSpec Import() => new("import", "Store every file below a folder.", ImportAsync)
    {
        Arguments = { Folder },
        Options =
        {
            Watch, CanOptions.Tag, CanOptions.Application, CanOptions.User, CanOptions.Url, CanOptions.Config,
        },
        Notes = """
            The folder of each file, from there on, becomes its logical folder. Hidden files are left out. The time of
            an asset is that of its file's last change, so importing a folder again adds only what is new or has
            changed. With --watch a file is taken two seconds after its last change, an asset in the trash stays there,
            and a service that does not answer is waited for. With --json each file is then a line of JSON.
            """,
        Examples = ["can import photos --tag archive", "can import inbox --watch"],
    };

    public static CommandSpec Export() => new("export", "Write all assets into a folder.", ExportAsync)
    {
        Arguments = { Folder },
        Options = { CanOptions.Tag, CanOptions.Application, CanOptions.Url, CanOptions.Config },
        Notes = "Assets get their logical names, below their logical folders; a name that is taken gets the beginning "
            + "of the hash in front. Nothing is replaced.",
        Examples = ["can export copy", "can export copy --tag vacation"],
    };

    private static async Task<ExitCode> PutAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var files = context.Require(Files);
        if (context.Get(Name) is not null && files.Length > 1)
            throw new EdgeSyncException(ErrorKind.Usage, "--name is for one file", "edgesync can put --help");

        using var client = CanOptions.Client(context);
        using var progress = new Progress(context.Output, "storing");
        var stored = new List<CanPutFile>();
        foreach (var file in files)
        {
            progress.Report(stored.Count, files.Length, () => file);
            var details = DetailsOf(context) with
            {
                Name = context.Get(Name),
                Path = context.Get(CanOptions.InFolder),
                Description = context.Get(Description),
                MimeType = context.Get(CanOptions.Type),
            };
            stored.Add(await PutAsync(client, file, details, cancellationToken));
        }

        progress.Dispose();
        context.Output.Write(new CanPutReport(stored));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> GetAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        var asset = await client.FindAsync(CanOptions.HashOf(context.Require(CanOptions.Hash)), cancellationToken);
        if (context.Get(Target) is not { } target)
        {
            if (context.Output.IsJson)
                throw new EdgeSyncException(ErrorKind.Usage, "--json needs a file for the content", "--output FILE");

            await client.GetAsync(asset, context.Output.Raw, cancellationToken);
            return ExitCode.Ok;
        }

        await SaveAsync(client, asset, target, context.Get(Force), cancellationToken);
        context.Output.Write(new CanGetReport(asset.Hash, target, asset.Size));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> ImportAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var root = Path.GetFullPath(context.Require(Folder));
        if (!Directory.Exists(root))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{root} is not a folder", "check the path");

        using var client = CanOptions.Client(context);
        var import = new FolderImport(root, client, DetailsOf(context), context.Clock);
        if (context.Get(Watch)) return await WatchAsync(context, root, import, cancellationToken);

        using var progress = new Progress(context.Output, "importing");
        var files = import.List();
        var (bytes, done) = (0L, 0);
        var left = await import.ImportAsync(
            files, TimeSpan.Zero, restoresTrashed: true,
            file =>
            {
                progress.Report(++done, files.Count);
                bytes += file.Size;
            },
            cancellationToken);
        progress.Dispose();
        if (left > 0)
            throw new EdgeSyncException(
                ErrorKind.Unavailable,
                $"{left} files of {root} cannot be read, or changed meanwhile; {done} are stored",
                "import it again");

        context.Output.Write(new CanImportReport(root, done, bytes));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> WatchAsync(
        CommandContext context, string root, FolderImport import, CancellationToken cancellationToken)
    {
        var output = context.Output;
        output.Write(new CanWatchReport("watching", root));
        output.Flush();
        try
        {
            await ImportWatch.RunAsync(
                root, import, context.Clock,
                file =>
                {
                    output.Write(new CanWatchedFile("imported", file.File, file.Hash, file.Size));
                    output.Flush();
                },
                reason => output.Errors.WriteLine($"edgesync: waiting: {DisplayText.Name(reason)}"),
                cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It was stopped.
        }

        return ExitCode.Ok;
    }

    private static async Task<ExitCode> ExportAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        using var progress = new Progress(context.Output, "exporting");
        var root = Path.GetFullPath(context.Require(Folder));
        var (count, bytes, cursor) = (0L, 0L, (string?)null);
        do
        {
            var page = await client.ListAsync(
                [
                    ("limit", "1000"), ("order", "asc"), ("cursor", cursor),
                    ("tags", string.Join(',', context.Get(CanOptions.Tag) ?? [])),
                    ("application", context.Get(CanOptions.Application)),
                ],
                cancellationToken);
            foreach (var asset in page.Items)
            {
                progress.Report(count, page.Total);
                if (!await ExportAsync(client, asset, root, cancellationToken)) continue;

                count++;
                bytes += asset.Size;
            }

            cursor = page.Next;
        }
        while (cursor is not null);

        progress.Dispose();
        context.Output.Write(new CanExportReport(root, count, bytes));
        return ExitCode.Ok;
    }

    // False: it is there already.
    private static async Task<bool> ExportAsync(
        CanClient client, CanAsset asset, string root, CancellationToken cancellationToken)
    {
        var folder = root;
        foreach (var part in (asset.Path ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries))
            folder = Path.Combine(folder, Plain(part));
        Directory.CreateDirectory(folder);
        var name = Plain(asset.Name ?? asset.Hash);
        var target = Path.Combine(folder, name);
        if (File.Exists(target)) target = Path.Combine(folder, $"{asset.Hash[..10]}-{name}");
        if (File.Exists(target)) return false;

        await SaveAsync(client, asset, target, replaces: false, cancellationToken);
        return true;
    }

    // A name of an asset is a name, whatever it contains: never a way out of the folder.
    private static string Plain(string name)
    {
        var plain = string.Concat(name.Select(c => c is '/' or '\\' or ':' || char.IsControl(c) ? '_' : c));
        return plain.Trim('.', ' ').Length == 0 ? "_" + plain.Replace('.', '_') : plain;
    }

    private static CanDetails DetailsOf(CommandContext context) => new()
    {
        Tags = context.Get(CanOptions.Tag) ?? [],
        Application = context.Get(CanOptions.Application),
        User = context.Get(CanOptions.User),
    };

    private static async Task<CanPutFile> PutAsync(
        CanClient client, string file, CanDetails details, CancellationToken cancellationToken)
    {
        if (file != "-" && !File.Exists(file))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{file} does not exist", "check the path");

        await using var content = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
        var stored = await client.PutAsync(
            content, file == "-" ? "stdin" : Path.GetFileName(file), details, cancellationToken);
        return new CanPutFile(
            file, stored.Hash, stored.Timestamp, stored.MimeType, stored.Size, stored.AlreadyExisted);
    }

    private static async Task SaveAsync(
        CanClient client, CanAsset asset, string target, bool replaces, CancellationToken cancellationToken)
    {
        if (!replaces && File.Exists(target))
            throw new EdgeSyncException(ErrorKind.Conflict, $"{target} exists", "another name, or --force");

        var part = $"{target}.{asset.Hash[..10]}.part";
        try
        {
            await using (var file = File.Create(part)) await client.GetAsync(asset, file, cancellationToken);
            File.Move(part, target, replaces);
        }
        finally
        {
            File.Delete(part);
        }
    }
}

internal sealed record CanPutFile(
    string File, string Hash, long Timestamp, string MimeType, long Size, bool AlreadyExisted);

internal sealed record CanPutReport(IReadOnlyList<CanPutFile> Files) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var file in Files)
            output.WriteLine(
                $"{file.Hash}  {DisplayText.Name(file.File)}{(file.AlreadyExisted ? "  (was there)" : "")}");
    }
}

internal sealed record CanGetReport(string Hash, string File, long Size) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"{Hash[..10]} is {DisplayText.Name(File)}, {DisplayText.Number(Size)} bytes");
}

internal sealed record CanImportReport(string Folder, int Files, long Bytes) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        $"{DisplayText.Number(Files)} files of {DisplayText.Number(Bytes)} bytes from {DisplayText.Name(Folder)}");
}

/// <summary>A folder is being watched.</summary>
internal sealed record CanWatchReport(string Event, string Folder) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"watching {DisplayText.Name(Folder)} (Ctrl-C to stop)");
}

/// <summary>A file has become an asset.</summary>
internal sealed record CanWatchedFile(string Event, string File, string Hash, long Size) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"{Hash}  {DisplayText.Name(File)}");
}

internal sealed record CanExportReport(string Folder, long Files, long Bytes) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        $"{DisplayText.Number(Files)} assets of {DisplayText.Number(Bytes)} bytes are in {DisplayText.Name(Folder)}");
}
