using System.CommandLine;
using System.CommandLine.Invocation;
using EdgeSync.Cli.Printing;

namespace EdgeSync.Cli.Commands;

/// <summary><c>--help</c>: prints the page of its command.</summary>
internal sealed class HelpAction(Output output) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var page = new HelpPage(parseResult.CommandResult.Command);
        if (output.IsJson) output.Write(page.ToReport());
        else page.Print(output.Text);
        return (int)ExitCode.Ok;
    }
}
