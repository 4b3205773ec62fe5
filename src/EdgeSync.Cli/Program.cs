using EdgeSync.Cli.Commands;

namespace EdgeSync.Cli;

/// <summary>Where the process begins. What needs no command tree (<c>--version</c>) is answered before one is built.</summary>
internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        if (args is ["--version"] or ["-V"])
        {
            VersionReport.Current().PrintTo(Console.OpenStandardOutput());
            return Task.FromResult((int)ExitCode.Ok);
        }

        return Task.FromResult((int)ExitCode.Usage);
    }
}
