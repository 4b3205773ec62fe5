using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>settings</c> and <c>unset</c>: a unique beginning of a name stands for it.</summary>
// Spec: setting_cmd and print_setting in db.c.
internal static class StockSettingsCommand
{
    private static readonly Argument<string?> Name = new("SETTING") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> Unset = new("SETTING");
    private static readonly Argument<string?> Value =
        new Argument<string?>("VALUE") { Arity = ArgumentArity.ZeroOrOne }.TakesEmpty();
    private static readonly Option<bool> Global = new("--global", "-g");
    private static readonly Option<bool> Exact = new("--exact");

    public static CommandSpec Create() => new("settings", "List, print and change settings.", Run)
    {
        Arguments = { Name, Value },
        Options = { Global, Exact },
    };

    public static CommandSpec CreateUnset() => new("unset", "Remove a setting.", context =>
    {
        using var repository = context.Get(Global) ? null : TryOpen(context, isWriting: true);
        Change(context, repository, Single(Find(context, context.Require(Unset)), context.Require(Unset)), null);
        return ExitCode.Ok;
    })
    {
        Arguments = { Unset },
        Options = { Global, Exact },
    };

    private static ExitCode Run(CommandContext context)
    {
        var (name, value) = (context.Get(Name), context.Get(Value));
        using var repository = context.Get(Global) ? null : TryOpen(context, isWriting: value is not null);
        var names = name is null ? StockSettings.Names : Find(context, name);
        if (repository is null && name is not null && names[0] == "manifest")
            throw new EdgeSyncException(ErrorKind.Usage, "cannot set 'manifest' globally");

        if (value is not null) Change(context, repository, Single(names, name!), value);
        else foreach (var known in names) Print(context, repository, known);
        return ExitCode.Ok;
    }

    private static IReadOnlyList<string> Find(CommandContext context, string name) =>
        StockSettings.Fitting(name, context.Get(Exact)) is { Count: > 0 } names
            ? names
            : throw new EdgeSyncException(ErrorKind.Usage, $"no such setting: {name}");

    private static string Single(IReadOnlyList<string> names, string name) => names.Count == 1 || names[0] == name
        ? names[0]
        : throw new EdgeSyncException(
            ErrorKind.Usage, $"ambiguous setting \"{name}\" - might be: {string.Join(' ', names)}");

    private static void Change(CommandContext context, Repository? repository, string name, string? value)
    {
        if (repository is null)
        {
            GlobalConfig.Set(name, value);
            return;
        }

        using (var transaction = repository.Begin())
        {
            repository.Settings[name] = value;
            transaction.Commit();
        }

        if (name != "manifest" || context.NamedRepository is not null
            || RepositoryFinder.CheckoutAt(Environment.CurrentDirectory) is null) return;

        using var checkout = context.OpenCheckout();
        checkout.WriteManifestFiles();
    }

    private static void Print(CommandContext context, Repository? repository, string name)
    {
        var text = context.Output.Text;
        if (repository?.Settings[name] is { } local) text.Write($"{name,-20} {"(local)",-8} {local}\n");
        else if (GlobalConfig.Get(name) is { } global) text.Write($"{name,-20} {"(global)",-8} {global}\n");
        else text.Write($"{name,-20}\n");

        if (repository is null || !StockSettings.IsVersionable(name) || context.NamedRepository is not null) return;
        if (RepositoryFinder.CheckoutAt(Environment.CurrentDirectory) is { } checkout
            && File.Exists(Path.Combine(checkout.Place.Root, ".fossil-settings", name)))
            text.Write($"  (overridden by contents of file .fossil-settings/{name})\n");
    }

    // Outside of any repository the settings are those of the user.
    private static Repository? TryOpen(CommandContext context, bool isWriting)
    {
        try
        {
            return isWriting ? context.OpenToWrite() : context.OpenToRead();
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.NotFound && context.NamedRepository is null)
        {
            return null;
        }
    }
}
