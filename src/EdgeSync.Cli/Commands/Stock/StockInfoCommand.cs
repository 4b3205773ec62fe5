using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>info</c>: of the checkout, of a repository file, or of an artifact.</summary>
// Spec: info_cmd in info.c.
internal static class StockInfoCommand
{
    private static readonly Argument<string?> Object = new("OBJECT") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> Detail = new("--detail", "-l");

    public static CommandSpec Create() => new("info", "Show what is checked out, or an artifact.", Run)
    {
        Arguments = { Object },
        Options = { Detail },
    };

    private static ExitCode Run(CommandContext context)
    {
        if (context.Get(Object) is not { } name) PrintHere(context, context.IsVerbose || context.Get(Detail));
        else if (IsDatabase(name)) PrintFile(context, name);
        else PrintObject(context, name);
        return ExitCode.Ok;
    }

    // With -R stock looks at no checkout and at no settings of the user.
    private static void PrintHere(CommandContext context, bool isVerbose)
    {
        var output = context.Output.Text;
        if (context.NamedRepository is not null)
        {
            using var repository = context.OpenToRead();
            Line(output, "project-name", NameOf(repository));
            if (isVerbose) PrintPlaces(output, repository, here: null);
            PrintProject(output, repository);
        }
        else if (CheckoutFinder.Find(Environment.CurrentDirectory) is not null)
        {
            using var checkout = context.OpenCheckout();
            Line(output, "project-name", NameOf(checkout.Repository));
            Line(output, "repository", checkout.Repository.Path);
            Line(output, "local-root", checkout.LocalRoot);
            if (isVerbose) PrintPlaces(output, checkout.Repository, checkout.LocalRoot);
            PrintConfig(output);
            PrintProject(output, checkout.Repository, checkout.Version);
        }
        else
        {
            PrintConfig(output);
            isVerbose = true;
        }

        if (isVerbose) PrintProgram(output);
    }

    // Spec: a file whose size is a multiple of a page is taken for a repository.
    private static bool IsDatabase(string path) =>
        File.Exists(path) && new FileInfo(path) is { Length: > 0 } file && file.Length % 512 == 0;

    private static void PrintFile(CommandContext context, string path)
    {
        var output = context.Output.Text;
        using var repository = context.OpenToRead(path);
        Line(output, "project-name", NameOf(repository));
        Line(output, "project-code", repository.ProjectCode);
        PrintPlaces(output, repository, here: null);
    }

    private static void PrintObject(CommandContext context, string name)
    {
        using var repository = context.OpenToRead();
        CheckinPrinting.Print(
            context.Output.Text, "hash:",
            CheckinDescription.Of(repository, repository.Names.Resolve(name), withFamily: true));
    }

    private static string NameOf(Repository repository) => repository.Settings["project-name"] ?? "<unnamed>";

    private static void PrintConfig(TextWriter output)
    {
        if (GlobalConfig.Path is { } path) Line(output, "config-db", path);
    }

    private static void PrintProject(TextWriter output, Repository repository, Primitives.RecordId version = default)
    {
        Line(output, "project-code", repository.ProjectCode);
        if (repository.Settings["parent-project-code"] is { } parent)
            Line(output, "derived-from", $"{parent} {repository.Settings["parent-project-name"]}");
        if (!version.IsNone)
            CheckinPrinting.Print(
                output, "checkout:", CheckinDescription.Of(repository, version, withFamily: true));
        var checkins = repository.Database.QueryInt64("SELECT count(*) FROM event WHERE type='ci'");
        Line(output, "check-ins", checkins.ToString(CultureInfo.InvariantCulture));
    }

    // Spec: extraRepoInfo in info.c. Checkouts that are gone are left out.
    private static void PrintPlaces(TextWriter output, Repository repository, string? here)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT name, date(mtime,'unixepoch') FROM config
             WHERE name GLOB 'ckout:*' OR name GLOB 'baseurl:*' ORDER BY substr(name,1,1) DESC, mtime DESC
            """);
        while (select.Step())
        {
            var (kind, place) = select.Text(0)!.Split(':', 2) is [var first, var rest] ? (first, rest) : ("", "");
            if (kind == "ckout" && (place == here || CheckoutFinder.At(place) is null)) continue;

            var label = kind != "ckout" ? "access-url" : here is null ? "check-out" : "alt-root";
            Line(output, label, $"{place,-54} {select.Text(1)}");
        }
    }

    private static void PrintProgram(TextWriter output)
    {
        var version = VersionReport.Current();
        Line(output, "fossil", Environment.ProcessPath ?? "");
        Line(output, "version", $"edgesync {version.Version} (commit {version.Commit})");
    }

    private static void Line(TextWriter output, string name, string value) =>
        output.Write($"{name + ":",-13} {value}\n");
}
