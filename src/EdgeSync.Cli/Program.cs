using EdgeSync.Cli.Commands;

namespace EdgeSync.Cli;

/// <summary>
/// Where the process begins: which program is meant (the name it was called by), which command, and what it ends with.
/// What needs no command tree is answered before one is built.
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

    /// <summary>A symbolic link named <c>leaf</c> behaves as the original's separate program did.</summary>
    private static string[] WithCalledName(string[] args) =>
        Path.GetFileNameWithoutExtension(Environment.GetCommandLineArgs()[0]) switch
        {
            "leaf" => ["leaf", .. args],
            "bridge" => args is ["serve", ..] ? ["bridge", .. args] : ["bridge", "serve", .. args],
            _ => args,
        };
}
