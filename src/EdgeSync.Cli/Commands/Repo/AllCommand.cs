using System.CommandLine;
using System.Text;
using System.Text.Json;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>One command on every repository, or checkout, of this user, as stock lists them.</summary>
// Spec: all_cmd in allrepo.c.
internal static class AllCommand
{
    // Which words come before and behind the path, and whether it is that of a checkout.
    private static readonly (string Name, string[] Before, bool IsCheckout, bool HasLabel)[] Runs =
    [
        ("changes", ["changes", "--header"], true, false),
        ("clean", ["clean"], true, false),
        ("extras", ["extras", "--header"], true, false),
        ("dbstat", ["dbstat"], false, true),
        ("info", ["info"], false, true),
        ("pull", ["pull"], false, false),
        ("push", ["push"], false, false),
        ("sync", ["sync"], false, false),
        ("rebuild", ["rebuild"], false, false),
        ("remote", ["remote", "ls"], false, true),
        ("settings", ["settings"], false, false),
        ("unset", ["unset"], false, false),
        ("verify", ["verify"], false, false),
    ];

    private static readonly Argument<string> Command = new Argument<string>("COMMAND")
    {
        Description = "list, add, ignore, backup, or a command to run on each.",
    }.Among(["list", "ls", "add", "ignore", "backup", "setting", .. Runs.Select(r => r.Name)]);

    private static readonly Argument<string[]> Words = new("WORDS")
    {
        Description = "Its words; for add and ignore repositories, for backup a folder.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<bool> Checkouts = new("--ckout", "-c")
    {
        Description = "With list and ignore: checkouts in place of repositories."
    };

    private static readonly Option<bool> DryRun = new("--dry-run", "-n") { Description = "Name what would be done." };

    private static readonly Option<bool> Stops = new("--stop-on-error") { Description = "End with the first failure." };

    private static readonly Option<bool> ShowsFile = new("--showfile") { Description = "Name each one." };

    // Handed on to the command.
    private static readonly Option<bool>[] Passed =
    [
        Switch("--force", "-f"), Switch("--dotfiles"), Switch("--emptydirs"), Switch("--temp"), Switch("--unversioned"),
        Switch("--all"), Switch("--overwrite"), Switch("--vacuum"), Switch("--brief"), Switch("--quick"),
        Switch("--repair"),
    ];

    public static CommandSpec Create()
    {
        var made = new CommandSpec("all", "Run a command on every repository of this user.", RunAsync)
        {
            Arguments = { Command, Words },
            Options = { Checkouts, DryRun, Stops, ShowsFile },
            Notes = "The list is stock Fossil's: repositories get there when they are opened, cloned or synced, or "
                + "with 'all add'. Entries that no longer exist are left out.",
            Examples = ["repo all list", "repo all sync", "repo all add ~/a.fossil ~/b.fossil", "repo all backup /mnt"],
        };
        foreach (var option in Passed) made.Options.Add(option);
        return made;
    }

    private static Option<bool> Switch(string name, params string[] aliases) =>
        new(name, aliases) { Description = "Handed on to the command." };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var name = context.Require(Command);
        var words = context.Get(Words) ?? [];
        switch (name)
        {
            case "list" or "ls":
                return List(context, Existing(context.Get(Checkouts)));
            case "add":
                return Change(context, words, path => IsRepository(path) ? "1" : null, "added");
            case "ignore":
                return Change(context, words, _ => null, "ignored");
            case "backup":
                if (words is not [var folder] || !Directory.Exists(folder))
                {
                    throw new EdgeSyncException(
                        ErrorKind.Usage, "argument to \"fossil all backup\" must be a directory",
                        "edgesync repo all backup FOLDER");
                }

                return await RunEachAsync(
                    context, Existing(isCheckout: false), hasLabel: false,
                    path => ["backup", "-R", path, Path.Combine(folder, Path.GetFileName(path))], cancellationToken);
        }

        var run = Runs.Single(r => r.Name == (name == "setting" ? "settings" : name));
        List<string> behind = [.. words, .. Passed.Where(o => context.Get(o)).Select(o => o.Name)];
        return await RunEachAsync(
            context, Existing(run.IsCheckout), run.HasLabel,
            path => run.IsCheckout ? [.. run.Before, .. behind] : [.. run.Before, "-R", path, .. behind],
            cancellationToken);
    }

    private static async Task<ExitCode> RunEachAsync(
        CommandContext context, IReadOnlyList<string> paths, bool hasLabel, Func<string, string[]> wordsOf,
        CancellationToken cancellationToken)
    {
        var results = new List<AllResult>();
        var text = context.Output.Text;
        var before = Environment.CurrentDirectory;
        foreach (var path in paths)
        {
            var words = wordsOf(path);
            if (!context.Output.IsJson)
            {
                var isCheckout = Directory.Exists(path);
                if (context.Get(ShowsFile)) text.WriteLine($"{(isCheckout ? "check-out" : "repository")}: {path}");
                if (hasLabel) text.WriteLine(LabelOf(path));
                else if (context.Get(DryRun) || !isCheckout) text.WriteLine(string.Join(' ', words));
                context.Output.Flush();
            }

            if (context.Get(DryRun))
            {
                results.Add(new AllResult(path, 0, null));
                continue;
            }

            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                // A checkout is identified by its folder.
                if (Directory.Exists(path)) Environment.CurrentDirectory = path;
                results.Add(await RunOneAsync(context, path, words));
            }
            finally
            {
                Environment.CurrentDirectory = before;
            }

            if (results[^1].ExitCode != 0 && context.Get(Stops)) break;
        }

        var failed = results.Find(r => r.ExitCode != 0);
        if (context.Output.IsJson)
            context.Output.Write(new AllReport(failed is null ? "done" : "failed", context.Get(DryRun), results));
        return failed is null ? ExitCode.Ok : (ExitCode)failed.ExitCode;
    }

    private static string LabelOf(string path)
    {
        var stars = 80 - path.Length - 15;
        return $"{new string('*', 13)} {path} {new string('*', stars < 2 ? 1 : stars)}";
    }

    private static async Task<AllResult> RunOneAsync(CommandContext context, string path, string[] words)
    {
        if (!context.Output.IsJson)
        {
            string[] called = context.Output.IsStock ? words : ["repo", .. words];
            return new AllResult(path, (int)await CommandLine.RunAsync(called, context.Output, context.Stop), null);
        }

        using var results = new MemoryStream();
        using var errors = new MemoryStream();
        int code;
        using (var output = Output.To(results, errors, isJson: true))
            code = (int)await CommandLine.RunAsync(["repo", .. words, "--json"], output, context.Stop);
        context.Output.Errors.Write(Encoding.UTF8.GetString(errors.ToArray()));
        if (results.Length == 0) return new AllResult(path, code, null);

        using var document = JsonDocument.Parse(results.ToArray());
        return new AllResult(path, code, document.RootElement.Clone());
    }

    private static ExitCode List(CommandContext context, IReadOnlyList<string> paths)
    {
        context.Output.Write(new AllListReport(paths));
        return ExitCode.Ok;
    }

    private static ExitCode Change(
        CommandContext context, string[] words, Func<string, string?> valueOf, string status)
    {
        var prefix = status == "ignored" && context.Get(Checkouts) ? "ckout:" : "repo:";
        var (paths, isSo) = (new List<string>(), true);
        foreach (var word in words)
        {
            var path = Path.GetFullPath(word);
            if (prefix == "ckout:" && !path.EndsWith('/')) path += "/";
            var value = valueOf(path);
            if (status == "added" && value is null)
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"{word} is not a repository", "edgesync repo all add FILE");
            }

            isSo &= GlobalConfig.Get(prefix + path) == value;
            if (!context.Get(DryRun)) GlobalConfig.Set(prefix + path, value);
            paths.Add(path);
        }

        if (isSo) status = "already_" + status;
        if (!context.Output.IsStock) context.Output.Write(new AllChangeReport(status, context.Get(DryRun), paths));
        return ExitCode.Ok;
    }

    private static List<string> Existing(bool isCheckout) =>
        [.. GlobalConfig.List(isCheckout ? "ckout:" : "repo:")
            .Where(p => isCheckout ? Directory.Exists(p) : File.Exists(p))];

    private static bool IsRepository(string path)
    {
        try
        {
            if (!File.Exists(path)) return false;

            Repository.Open(path, RepositoryOptions.ReadOnly).Dispose();
            return true;
        }
        catch (EdgeSyncException)
        {
            return false;
        }
    }
}

internal sealed record AllListReport(IReadOnlyList<string> Paths) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var path in Paths) output.WriteLine(path);
    }
}

/// <param name="Status"><c>added</c>, <c>ignored</c>, or with <c>already_</c> in front.</param>
internal sealed record AllChangeReport(string Status, bool IsDryRun, IReadOnlyList<string> Paths) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var path in Paths)
            output.WriteLine(
                $"{(IsDryRun ? "would be " : "")}{Status.Replace('_', ' ')} {DisplayText.Name(path)}");
    }
}

/// <param name="Report">What the command printed with <c>--json</c>.</param>
internal sealed record AllResult(string Path, int ExitCode, JsonElement? Report);

/// <param name="Status"><c>done</c>, or <c>failed</c> when one run did.</param>
internal sealed record AllReport(string Status, bool IsDryRun, IReadOnlyList<AllResult> Results) : IReport
{
    public void Print(TextWriter output)
    {
        // Each run has printed its own text.
    }
}
