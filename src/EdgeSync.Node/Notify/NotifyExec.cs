using System.Diagnostics;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Notify;

/// <summary>
/// Runs a user's command for one message: the JSON object of the message is one line on its standard input, and exit
/// status 0 takes the message.
/// </summary>
internal static class NotifyExec
{
    /// <returns>The exit status.</returns>
    /// <exception cref="EdgeSyncException">The shell cannot be started.</exception>
    public static async Task<int> RunAsync(
        string command, NotifyItem item, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo
        {
            FileName = OperatingSystem.IsWindows() ? "cmd.exe" : "/bin/sh",
            UseShellExecute = false,
            RedirectStandardInput = true,
        };
        start.ArgumentList.Add(OperatingSystem.IsWindows() ? "/c" : "-c");
        start.ArgumentList.Add(command);
        start.Environment["EDGESYNC_NOTIFY_ID"] = item.Id;
        start.Environment["EDGESYNC_NOTIFY_THREAD"] = item.ThreadShort;
        start.Environment["EDGESYNC_NOTIFY_PROJECT"] = item.Project;
        using var process = Start(start);
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(
                Encoding.UTF8.GetBytes(item.Json + "\n"), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not read its input.
        }

        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return process.ExitCode;
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            throw new EdgeSyncException(ErrorKind.System, $"{start.FileName} cannot be started: {e.Message}", null, e);
        }
    }
}
