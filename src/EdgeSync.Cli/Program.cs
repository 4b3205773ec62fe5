using EdgeSync.Cli.Commands;

namespace EdgeSync.Cli;

/// <summary>
/// The entry point: selects the program (by the name it was called by) and the command, and returns the exit code.
/// Options that need no command tree are handled before one is built.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is ["--version"] or ["-V"])
        {
            VersionReport.Current().PrintTo(Console.OpenStandardOutput());
            return (int)ExitCode.Ok;
        }

        return (int)CommandLine.RunAsync(WithCalledName(args)).GetAwaiter().GetResult();
    }

    /// <summary>A symbolic link named <c>leaf</c> behaves like the original's separate program.</summary>
    private static string[] WithCalledName(string[] args) =>
        Path.GetFileNameWithoutExtension(Environment.GetCommandLineArgs()[0]) switch
        {
            "leaf" => ["leaf", .. args],
            "bridge" => args is ["serve", ..] ? ["bridge", .. args] : ["bridge", "serve", .. args],
            _ => args,
        };
}
