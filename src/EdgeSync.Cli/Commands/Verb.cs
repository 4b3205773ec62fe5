using System.CommandLine;
using EdgeSync.Cli.Printing;

namespace EdgeSync.Cli.Commands;

/// <summary>One command: what it is called, takes and does, with examples for its help page.</summary>
internal sealed class Verb : Command
{
    private readonly Func<CommandContext, Task<ExitCode>>? _runs;

    /// <summary>A group of commands.</summary>
    public Verb(string name, string summary)
        : base(name, summary)
    {
    }

    public Verb(string name, string summary, Func<CommandContext, ExitCode> runs)
        : base(name, summary)
    {
        _runs = context => Task.FromResult(runs(context));
    }

    /// <summary>For what takes long: the first signal cancels the token instead of ending the process.</summary>
    public Verb(string name, string summary, Func<CommandContext, CancellationToken, Task<ExitCode>> runs)
        : base(name, summary)
    {
        _runs = context => runs(context, Stopping.Token);
    }

    /// <summary>Command lines as one would type them, without the program's name.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>A sentence or two below the options.</summary>
    public string? Notes { get; init; }

    /// <summary>Lets every command of the tree run with this output.</summary>
    public static void Attach(Command command, Output output)
    {
        if (command is Verb { _runs: { } runs })
            command.SetAction(async (parse, _) => (int)await runs(new CommandContext(parse, output)));
        foreach (var child in command.Subcommands) Attach(child, output);
    }

    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : "edgesync";
}
