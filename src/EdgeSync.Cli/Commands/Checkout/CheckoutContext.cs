using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>What the commands on working files have in common.</summary>
internal static class CheckoutContext
{
    /// <summary>The checkout of the current folder; of its repository only reading is needed.</summary>
    public static WorkingCheckout OpenCheckout(this CommandContext context) => Open(context, context.OpenToRead);

    /// <summary>As the other, when the repository is written too.</summary>
    public static WorkingCheckout OpenCheckoutToWrite(this CommandContext context) =>
        Open(context, context.OpenToWrite);

    /// <summary>
    /// Writes <c>manifest.tags</c> again, where the setting <c>manifest</c> asks for it: tags have changed.
    /// </summary>
    // Spec: tag_add_artifact in tag.c, ci_amend_cmd in info.c.
    public static void RefreshManifestFiles(this CommandContext context)
    {
        if (context.NamedRepository is not null
            || RepositoryFinder.CheckoutAt(Environment.CurrentDirectory) is null) return;

        using var checkout = context.OpenCheckout();
        if (checkout.Settings.ManifestNames.Contains("manifest.tags")) checkout.WriteManifestFiles();
    }

    /// <summary>Names in the checkout of paths that were typed; the top is the empty name.</summary>
    public static List<string> NamesOf(this CommandContext _, WorkingCheckout checkout, IEnumerable<string>? paths) =>
        [.. (paths ?? []).Select(p => checkout.NameOf(p, Environment.CurrentDirectory))];

    /// <summary>The words behind the program's name, as the undo log notes them.</summary>
    public static string CommandLineText =>
        string.Join(' ', Environment.GetCommandLineArgs().Skip(1));

    private static WorkingCheckout Open(CommandContext context, Func<string, Repository> open)
    {
        var place = CheckoutFinder.Find(Environment.CurrentDirectory)
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"{Environment.CurrentDirectory} is not in an open checkout",
                "edgesync open --help");
        var checkout = WorkingCheckout.Open(place, open);
        if (context.NamedRepository is not { } named
            || RepositoryFile.IsSame(named, checkout.Repository.Path)) return checkout;

        var path = checkout.Repository.Path;
        checkout.Dispose();
        throw new EdgeSyncException(
            ErrorKind.Usage, $"the checkout {place.Root} belongs to {path}, not to {named}", "leave -R away");
    }
}

/// <summary>Prompts on the terminal. Without input the answer is no.</summary>
internal sealed class Question(Output output, bool? always = null)
{
    private bool? _answer = always;

    /// <summary>Prompts go to the terminal; stock writes them to stdout.</summary>
    public static void Write(Output output, string text)
    {
        output.Flush();
        var writer = output.IsStock ? output.Text : output.Errors;
        writer.Write(text);
        writer.Flush();
    }

    /// <summary>Prompts once; only y is a yes.</summary>
    public static bool Confirm(Output output, string text)
    {
        Write(output, text);
        return Console.In.ReadLine() is ['y' or 'Y', ..];
    }

    /// <summary>Answered by y, n, or a for this and all that follow.</summary>
    public bool Ask(string text)
    {
        if (_answer is { } known) return known;
        if (Console.IsInputRedirected && Console.In.Peek() < 0) return false;

        Write(output, $"{text} (a={(output.IsStock ? "all" : "always")}/y/N)? ");
        var line = Console.In.ReadLine() ?? "";
        if (line.StartsWith('a') || line.StartsWith('A')) _answer = true;
        return _answer == true || line.StartsWith('y') || line.StartsWith('Y');
    }
}
