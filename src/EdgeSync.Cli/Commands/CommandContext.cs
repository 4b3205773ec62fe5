using System.CommandLine;
using EdgeSync.Cli.Printing;

namespace EdgeSync.Cli.Commands;

/// <summary>What a running command has at hand.</summary>
internal sealed class CommandContext(ParseResult parse, Output output)
{
    public Output Output => output;

    public bool IsVerbose => parse.GetValue(Globals.Verbose);

    public TimeProvider Clock { get; } = TimeProvider.System;

    public T? Get<T>(Option<T> option) => parse.GetValue(option);

    public T? Get<T>(Argument<T> argument) => parse.GetValue(argument);

    public T Require<T>(Option<T> option) => parse.GetRequiredValue(option);

    public T Require<T>(Argument<T> argument) => parse.GetRequiredValue(argument);

    /// <summary>False when a default stands in.</summary>
    public bool IsGiven(Option option) => parse.GetResult(option) is { Implicit: false };
}
