using System.CommandLine;
using EdgeSync.Cli.Printing;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// Scripts that let a shell complete commands and options. They call the program itself, so they never become outdated.
/// </summary>
internal static class CompletionCommand
{
    public static CommandSpec Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.Among("bash", "zsh", "fish");
        return new CommandSpec("completion", "Print a completion script for a shell.", context =>
        {
            var name = context.Require(shell);
            var script = name switch { "bash" => Bash, "zsh" => Zsh, _ => Fish };
            context.Output.Write(new CompletionReport(name, script));
            return ExitCode.Ok;
        })
        {
            Arguments = { shell },
            Examples = [
                "completion bash > /etc/bash_completion.d/edgesync",
                "completion fish > ~/.config/fish/completions/edgesync.fish"],
        };
    }

    private const string Bash = """
        # bash completion for edgesync; completes file names where edgesync has no completion
        _edgesync() {
          local line="${COMP_LINE:0:$COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}"
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)" -- "$word"))
        }
        complete -o default -F _edgesync edgesync

        """;

    private const string Zsh = """
        #compdef edgesync
        # zsh completion for edgesync; completes file names where edgesync has no completion
        _edgesync() {
          local line="${(j: :)words[1,CURRENT]}"
          local -a found
          found=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
          found=(${found:#})
          if (( ${#found} )); then compadd -- $found; else _files; fi
        }
        # sourced: register; autoloaded from fpath: this file is the function, and is called for the first time
        if [ "$funcstack[1]" = "_edgesync" ]; then _edgesync "$@"; else compdef _edgesync edgesync; fi

        """;

    private const string Fish = """
        # fish completion for edgesync
        function __edgesync_complete
          set -l line (commandline -cp)
          edgesync "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c edgesync -a '(__edgesync_complete)'

        """;
}

internal sealed record CompletionReport(string Shell, string Script) : IReport
{
    public void Print(TextWriter output) => output.Write(Script);
}
