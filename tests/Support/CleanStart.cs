using System.Diagnostics;

namespace EdgeSync.Tests.Support;

/// <summary>
/// How tests start programs. A child inherits ignored signals: under <c>nohup</c> or as a background job of a shell,
/// the test runner has SIGHUP or SIGINT ignored, and a daemon started by it would never see the signal that a test
/// sends.
/// <c>env --default-signal</c> (coreutils) sets them back and becomes the program, under the same process id.
/// </summary>
internal static class CleanStart
{
    public static ProcessStartInfo Of(string program, IEnumerable<string> arguments)
    {
        var start = OperatingSystem.IsLinux()
            ? new ProcessStartInfo("env", ["--default-signal=HUP,INT,QUIT,TERM,USR1", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return start;
    }
}
