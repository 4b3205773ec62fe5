using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>Gives tracked files another time. Spec: touch_cmd in file.c.</summary>
internal static class TouchCommand
{
    private static readonly Option<bool> Now = new("--now") { Description = "The present (default)." };

    private static readonly Option<bool> Checkin = new("--checkin", "-c", "--check-in")
    {
        Description = "The time of the check-in that last changed the file."
    };

    private static readonly Option<bool> Current = new("--checkout", "-C")
    {
        Description = "The time of the check-in that is checked out."
    };

    private static readonly Option<string?> Globs = new("--glob", "-g")
    {
        Description = "Files that fit a glob, from the top of the checkout.",
        HelpName = "GLOBS",
    };

    private static readonly Option<string?> GlobFile = new("--globfile", "-G")
    {
        Description = "The same, with the globs in a file.",
        HelpName = "FILE",
    };

    private static readonly Option<bool> Quiet = new("--quiet", "-q")
    {
        Description = "Do not name files that are left out."
    };

    public static CommandSpec Create() => new("touch", "Give tracked files another time of modification.", Run)
    {
        Arguments = { FileOptions.Paths },
        Options = { Now, Checkin, Current, Globs, GlobFile, Quiet, FileOptions.DryRun },
        Notes = "Only the time changes: no file becomes a change of the checkout by it.",
        Examples = ["touch", "touch --checkin src/main.c", "touch -C -g '*.h,*.c'"],
    };

    private static ExitCode Run(CommandContext context)
    {
        var (isCheckin, isCurrent) = (context.Get(Checkin), context.Get(Current));
        if ((isCheckin ? 1 : 0) + (isCurrent ? 1 : 0) + (context.Get(Now) ? 1 : 0) > 1)
            throw new EdgeSyncException(
                ErrorKind.Usage, "Options --checkin, --checkout, and --now may not be used together.", "--checkin");
        if (context.Get(Globs) is not null && context.Get(GlobFile) is not null)
            throw new EdgeSyncException(
                ErrorKind.Usage, "Options -g and -G may not be used together.", "--glob '*.c,*.h'");

        using var checkout = context.OpenCheckout();
        var isDryRun = context.Get(FileOptions.DryRun);
        var skipped = new List<SkippedFile>();
        var names = new List<string>();
        foreach (var path in context.Get(FileOptions.Paths) ?? [])
        {
            try
            {
                names.Add(checkout.NameOf(path, Environment.CurrentDirectory));
            }
            catch (EdgeSyncException e) when (e.Kind == ErrorKind.Usage)
            {
                skipped.Add(new SkippedFile(path, "is outside of the checkout"));
            }
        }

        var globs = context.Get(Globs)
            ?? (context.Get(GlobFile) is { } file ? Encoding.UTF8.GetString(InputFile.ReadAll(file)) : null);
        var outcome = names.Count == 0 && skipped.Count > 0 && globs is null
            ? new TouchOutcome([], [])
            : CheckoutTouch.Run(
                checkout, isCheckin ? TouchTime.Checkin : isCurrent ? TouchTime.Checkout : TouchTime.Now, names,
                globs is null ? null : new NameGlob(globs), isDryRun);
        context.Output.Write(new TouchReport(isDryRun, outcome.Touched, [.. skipped, .. outcome.Skipped])
        {
            IsVerbose = context.IsVerbose,
            IsQuiet = context.Get(Quiet),
        });
        return ExitCode.Ok;
    }
}

internal sealed record TouchReport(
    bool IsDryRun, IReadOnlyList<string> Touched, IReadOnlyList<SkippedFile> Skipped) : IReport
{
    internal bool IsVerbose { get; init; }

    internal bool IsQuiet { get; init; }

    public void Print(TextWriter output)
    {
        foreach (var name in Touched.Where(_ => IsDryRun || IsVerbose))
            output.WriteLine($"{(IsDryRun ? "dry-run:" : "touched")} {DisplayText.Name(name)}");
        foreach (var file in Skipped.Where(_ => !IsQuiet))
            output.WriteLine($"skipped {DisplayText.Name(file.Name)}: {file.Reason}");
        Sum(output);
    }

    public void PrintAsStock(TextWriter output)
    {
        foreach (var name in Touched.Where(_ => IsDryRun || IsVerbose))
            output.Write($"{(IsDryRun ? "dry-run:" : "touched")} {name}\n");
        foreach (var file in Skipped.Where(_ => !IsQuiet))
            output.Write(file.Reason switch
            {
                "is not tracked" => $"SKIPPING unmanaged file: {file.Name}\n",
                "is outside of the checkout" => $"SKIPPING out-of-tree file: {file.Name}\n",
                "is missing" => $"SKIPPING: cannot stat file: {file.Name}\n",
                _ => $"SKIPPING timestamp of 0: {file.Name}\n",
            });
        Sum(output);
    }

    private void Sum(TextWriter output) => output.WriteLine(
        IsDryRun ? $"dry-run: would have touched {Touched.Count} file(s)" : $"Touched {Touched.Count} file(s)");
}
