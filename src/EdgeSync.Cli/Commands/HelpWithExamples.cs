using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace EdgeSync.Cli.Commands;

/// <summary>The generated help page, then what a person looks for first: examples, and how it can end.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        help.MaxWidth = 120;
        var exit = help.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is Verb verb)
        {
            if (verb.Notes is { } notes) output.WriteLine(notes + "\n");
            if (verb.Examples.Count > 0)
            {
                output.WriteLine("Examples:");
                foreach (var example in verb.Examples) output.WriteLine("  edgesync " + example);
                output.WriteLine();
            }
        }

        output.WriteLine(ExitCodes.Help);
        return exit;
    }
}
