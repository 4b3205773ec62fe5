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

        var name = CalledName;
        return (int)CommandLine.RunAsync(WithName(name, args), isStock: name == "fossil").GetAwaiter().GetResult();
    }

    private static string CalledName
    {
        get
        {
            var called = Environment.GetCommandLineArgs()[0];

            // The starter of a build that needs the framework puts the path of an assembly in place of the name.
            if (called.EndsWith(".dll", StringComparison.Ordinal) && File.Exists("/proc/self/cmdline"))
                called = File.ReadAllText("/proc/self/cmdline").Split('\0')[0];
            return Path.GetFileNameWithoutExtension(called);
        }
    }

    /// <summary>A symbolic link named <c>leaf</c> behaves like the original's separate program.</summary>
    private static string[] WithName(string name, string[] args) =>
        name switch
        {
            "leaf" => ["leaf", .. args],
            "bridge" => args is ["serve", ..] ? ["bridge", .. args] : ["bridge", "serve", .. args],
            _ => args,
        };
}
