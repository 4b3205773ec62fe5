namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>
/// The commands on working files. They stand at the top of the command tree, as in Fossil, and under <c>repo</c>;
/// <c>status</c> stands there alone, since at the top it is that of the node.
/// </summary>
internal static class CheckoutCommands
{
    /// <summary>In the order of the help page.</summary>
    public static (string Name, string[] Aliases, Func<CommandSpec> Create)[] Table { get; } =
    [
        ("open", [], OpenCommand.Create),
        ("close", [], CloseCommand.Create),
        ("status", [], ChangesCommand.CreateStatus),
        ("changes", [], ChangesCommand.Create),
        ("extras", [], ExtrasCommand.Create),
        ("touch", [], TouchCommand.Create),
        ("clean", [], CleanCommand.Create),
        ("add", [], AddCommand.Create),
        ("addremove", [], AddCommand.CreateAddRemove),
        ("rm", ["delete", "remove"], RemoveCommand.Create),
        ("forget", [], RemoveCommand.CreateForget),
        ("mv", [], RenameCommand.Create),
        ("rename", [], RenameCommand.CreateRename),
        ("commit", ["ci", "checkin"], CommitCommand.Create),
        ("update", [], UpdateCommand.Create),
        ("checkout", ["co"], UpdateCommand.CreateCheckout),
        ("merge", [], MergeCommand.Create),
        ("cherry-pick", [], MergeCommand.CreateCherrypick),
        ("backout", [], MergeCommand.CreateBackout),
        ("integrate", [], MergeCommand.CreateIntegrate),
        ("conflicts", [], ConflictsCommand.Create),
        ("mark-resolved", [], ConflictsCommand.CreateMarkResolved),
        ("revert", [], RevertCommand.Create),
        ("undo", [], UndoCommand.CreateUndo),
        ("redo", [], UndoCommand.CreateRedo),
        ("stash", [], StashCommand.Create),
        ("patch", [], PatchCommand.Create),
        ("bisect", [], BisectCommand.Create),
    ];

    /// <summary>Those that stand under <c>repo</c> too, where <c>ci</c> and <c>co</c> need no checkout.</summary>
    public static IEnumerable<(string Name, string[] Aliases, Func<CommandSpec> Create)> OfRepository =>
        Table.Where(c => c.Name is not ("commit" or "checkout"));

    /// <summary>The command of that name, or null.</summary>
    public static CommandSpec? Create(string name)
    {
        var at = Array.FindIndex(Table, c => c.Name == name);
        return at < 0 ? null : Table[at].Create().Also(Table[at].Aliases);
    }
}
