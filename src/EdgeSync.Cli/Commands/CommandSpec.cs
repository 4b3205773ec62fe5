using System.CommandLine;
using EdgeSync.Cli.Printing;

namespace EdgeSync.Cli.Commands;

/// <summary>One command: its name, arguments and action, with examples for its help page.</summary>
internal sealed class CommandSpec : Command
{
    private readonly Func<CommandContext, Task<ExitCode>>? _runs;

    /// <summary>A group of commands.</summary>
    public CommandSpec(string name, string summary)
        : base(name, summary)
    {
    }

    public CommandSpec(string name, string summary, Func<CommandContext, ExitCode> runs)
        : base(name, summary)
    {
        _runs = context => Task.FromResult(runs(context));
    }

    /// <summary>For a long-running command: the first signal cancels the token instead of ending the process.</summary>
    public CommandSpec(string name, string summary, Func<CommandContext, CancellationToken, Task<ExitCode>> runs)
        : base(name, summary)
    {
        _runs = context => runs(context, context.Stop ?? Stopping.Token);
    }

    /// <summary>Example command lines, without the program's name.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>A sentence or two below the options.</summary>
    public string? Notes { get; init; }

    /// <summary>It prints what may be long, and nothing while it works: on a terminal a pager shows it.</summary>
    public bool IsPaged { get; init; }

    /// <summary>The heading of an option on the help page; null is the first one.</summary>
    public Func<Option, string?> HeadingOf { get; init; } = static _ => null;

    /// <summary>Makes every command of the tree write to this output.</summary>
    /// <param name="command">The tree.</param>
    /// <param name="output">The output of commands.</param>
    /// <param name="stop">In place of the signals of the process.</param>
    public static void Attach(Command command, Output output, CancellationToken? stop)
    {
        if (command is CommandSpec { _runs: { } runs })
            command.SetAction(async (parse, _) => (int)await runs(new CommandContext(parse, output) { Stop = stop }));
        foreach (var child in command.Subcommands) Attach(child, output, stop);
    }

    /// <summary>The same command under more names.</summary>
    public CommandSpec Also(params ReadOnlySpan<string> names)
    {
        foreach (var name in names) Aliases.Add(name);
        return this;
    }

    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent
        ? $"{PathOf(parent)} {command.Name}"
        : command.Name;
}
