using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>unversioned</c>.</summary>
// Spec: unversioned_cmd in unversioned.c.
internal static class StockUnversionedCommand
{
    private const string Verbs = "add|cat|edit|export|list|revert|remove|sync|touch";

    private static readonly Argument<string[]> Files = new("FILE") { Arity = ArgumentArity.ZeroOrMore };
    private static readonly Argument<string> File = new("UVFILE");
    private static readonly Argument<string> Target = new("OUTPUT");
    private static readonly Option<string?> As = new Option<string?>("--as") { HelpName = "UVFILE" }.TakesEmpty();
    private static readonly Option<string?> Time = new("--mtime") { HelpName = "TIMESTAMP" };
    private static readonly Option<bool> All = new("--all", "-a");
    private static readonly Option<bool> Long = new("-l");
    private static readonly Option<bool> Debug = new("--debug");
    private static readonly Option<string?> Glob = new("--glob") { HelpName = "PATTERN" };
    private static readonly Option<string?> Like = new("--like") { HelpName = "PATTERN" };
    private static readonly Option<string[]> Globs = new("--glob") { HelpName = "PATTERN" };
    private static readonly Option<string[]> Likes = new("--like") { HelpName = "PATTERN" };

    public static CommandSpec Create() => new("unversioned", "Files without history.", context =>
        throw new EdgeSyncException(
            ErrorKind.Usage, $"Usage: {Environment.GetCommandLineArgs()[0]} unversioned {Verbs}"))
    {
        new CommandSpec("add", "Add or update files.", Add) { Arguments = { Files }, Options = { As, Time } },
        new CommandSpec("cat", "Print files.", Cat) { Arguments = { Files } },
        new CommandSpec("edit", "Change a file in an editor.", Edit) { Arguments = { File }, Options = { Time } },
        new CommandSpec("export", "Write a file to disk.", Export) { Arguments = { File, Target } },
        new CommandSpec("hash", "Print the hash that a sync compares.", Hash) { Options = { Debug } },
        new CommandSpec("list", "List files with their details.", context => List(context, isLong: true))
        {
            Options = { All, Long, Glob, Like },
        },
        new CommandSpec("ls", "List files.", context => List(context, context.Get(Long)))
        {
            Options = { All, Long, Glob, Like },
        },
        new CommandSpec("remove", "Remove files.", Remove)
        {
            Arguments = { Files },
            Options = { Time, Globs, Likes },
        }.Also("rm", "delete"),
        SyncCommands.CreateUnversionedRevert(),
        SyncCommands.CreateUnversionedSync(),
        new CommandSpec("touch", "Give files another time.", Touch) { Arguments = { Files }, Options = { Time } },
    };

    private static ExitCode Add(CommandContext context)
    {
        var files = context.Get(Files) ?? [];
        if (context.Get(As) is not null && files.Length != 1)
            throw new EdgeSyncException(ErrorKind.Usage, "Usage: add DISKFILE --as UVFILE");

        using var repository = context.OpenToWrite();
        var time = TimeOf(context, repository);
        using var transaction = repository.Begin();
        foreach (var path in files)
        {
            var name = context.Get(As) ?? path;
            if (Fault(name) is { } fault)
                throw new EdgeSyncException(ErrorKind.Usage, $"unversioned filenames may not {fault}: '{name}'");

            repository.Unversioned.Put(name, InputFile.ReadAll(path), time);
        }

        transaction.Commit();
        return ExitCode.Ok;
    }

    private static string? Fault(string name) => name.Length == 0 ? "be empty string"
        : name[0] == '/' ? "be absolute"
        : name.Any(char.IsWhiteSpace) ? "contain whitespace"
        : !UnversionedStore.IsName(name) ? "contain complex paths"
        : null;

    private static ExitCode Cat(CommandContext context)
    {
        using var repository = context.OpenToRead();
        foreach (var name in context.Get(Files) ?? [])
            if (repository.Unversioned.TryGet(name, out var content)) context.Output.Raw.Write(content);
        return ExitCode.Ok;
    }

    private static ExitCode Edit(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        UnversionedEditing.Edit(repository, context.Require(File), () => TimeOf(context, repository));
        return ExitCode.Ok;
    }

    private static ExitCode Export(CommandContext context)
    {
        var name = context.Require(File);
        using var repository = context.OpenToRead();
        if (!repository.Unversioned.TryGet(name, out var content))
            throw new EdgeSyncException(ErrorKind.NotFound, $"no such uv-file: '{name}'");

        InputFile.WriteAll(context.Require(Target), content, context.Output);
        return ExitCode.Ok;
    }

    private static ExitCode Hash(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var output = context.Output.Text;
        if (context.Get(Debug))
            foreach (var file in repository.Unversioned.List().Where(f => !f.IsDeletion))
                output.Write($"{file.Name} {DateOf(file.MtimeSeconds)} {file.Hash}\n");
        output.Write(repository.Unversioned.CatalogHash + "\n");
        return ExitCode.Ok;
    }

    private static ExitCode List(CommandContext context, bool isLong)
    {
        using var repository = context.OpenToRead();
        var output = context.Output.Text;
        foreach (var row in repository.Unversioned.Find(context.Get(Glob), context.Get(Like)))
        {
            var file = row.Entry;
            if (file.IsDeletion && !context.Get(All)) continue;

            var hash = file.IsDeletion ? "(deleted)" : file.Hash.ToString()[..12];
            output.Write(isLong
                ? $"{hash,12} {DateOf(file.MtimeSeconds)} {file.Size,8} {row.StoredBytes ?? 0,8} {file.Name}"
                    + (!file.IsDeletion && row.StoredBytes is null ? " (no content)\n" : "\n")
                : file.Name + "\n");
        }

        return ExitCode.Ok;
    }

    private static ExitCode Remove(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var time = TimeOf(context, repository);
        var names = (context.Get(Files) ?? []).Where(n => repository.Unversioned.TryFind(n, out _)).ToHashSet();
        foreach (var glob in context.Get(Globs) ?? []) names.UnionWith(Names(glob, null));
        foreach (var like in context.Get(Likes) ?? []) names.UnionWith(Names(null, like));
        using var transaction = repository.Begin();
        foreach (var name in names) repository.Unversioned.Delete(name, time);
        transaction.Commit();
        return ExitCode.Ok;

        IEnumerable<string> Names(string? glob, string? like) =>
            repository.Unversioned.Find(glob, like).Select(r => r.Entry.Name);
    }

    private static ExitCode Touch(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var time = TimeOf(context, repository);
        using var transaction = repository.Begin();
        foreach (var name in context.Get(Files) ?? []) repository.Unversioned.Touch(name, time);
        transaction.Commit();
        return ExitCode.Ok;
    }

    private static string DateOf(long seconds) => DateTime.UnixEpoch.AddSeconds(seconds)
        .ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static long TimeOf(CommandContext context, Repository repository)
    {
        if (context.Get(Time) is not { } text) return repository.Now.UnixSeconds;

        using var select = repository.Database.Prepare("SELECT CAST(strftime('%s',?1) AS INTEGER)");
        return select.BindText(1, text).Step() && select.Int64(0) is var time and > 0
            ? time : throw new EdgeSyncException(ErrorKind.Usage, $"bad timestamp: '{text}'");
    }
}

/// <summary>An unversioned file in the person's editor.</summary>
internal static class UnversionedEditing
{
    /// <exception cref="EdgeSyncException">The file does not exist or is binary, or the editor failed.</exception>
    public static void Edit(Repository repository, string name, Func<long> time)
    {
        if (!repository.Unversioned.TryGet(name, out var content))
            throw new EdgeSyncException(ErrorKind.NotFound, $"no such uv-file: '{name}'", "edgesync repo uv ls");
        if (content.Contains((byte)0))
            throw new EdgeSyncException(
                ErrorKind.Usage, "cannot edit binary content", "edgesync repo uv put NAME FILE");

        var editor = CommentEditor.EditorOf(setting => repository.Settings[setting] ?? GlobalConfig.Get(setting))
            ?? throw new EdgeSyncException(
                ErrorKind.Usage, "no text editor - set the VISUAL env variable", "edgesync repo uv put NAME FILE");
        var path = Path.Combine(Path.GetTempPath(), $"edgesync-{Path.GetRandomFileName()}.txt");
        try
        {
            System.IO.File.WriteAllBytes(path, content);
            CommentEditor.Edit(editor, path);
            var edited = System.IO.File.ReadAllBytes(path);
            repository.Unversioned.Put(name, edited, time());
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }
}
