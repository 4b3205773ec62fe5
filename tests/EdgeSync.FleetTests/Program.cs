namespace EdgeSync.FleetTests;

/// <summary>Runs the tests as xunit's own entry point would.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        if (args.Contains("--server") || args.Contains("--internal-msbuild-node"))
            return Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework
                .RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult();

        return Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
    }
}
