using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>The fault that ended a session as an error with what to try, for commands and programs.</summary>
internal static class SyncFaults
{
    /// <param name="report">Of the session.</param>
    /// <param name="peer">The other side.</param>
    /// <param name="login">The login; null without one.</param>
    /// <exception cref="EdgeSyncException">The session ended with a fault.</exception>
    public static void Throw(SyncReport report, Uri peer, string? login)
    {
        if (report.Fault is not { } fault) return;

        throw fault.Kind switch
        {
            SyncFaultKind.Denied => Denied(peer, fault.Text, login),
            SyncFaultKind.LoginFailed =>
                new EdgeSyncException(
                    ErrorKind.Denied, $"{peer} refuses the login of {login ?? "nobody"}: {fault.Text}",
                    "check user and password"),
            SyncFaultKind.WrongProject =>
                new EdgeSyncException(
                    ErrorKind.Conflict, $"{peer} holds another project: {fault.Text}", "check the address"),
            SyncFaultKind.Stalled =>
                new EdgeSyncException(
                    ErrorKind.Unavailable, $"{peer}: {fault.Text}", "run the command again: what was received is kept"),
            SyncFaultKind.ReadOnly =>
                new EdgeSyncException(ErrorKind.System, fault.Text, "make the file and its folder writable"),
            _ =>
                new EdgeSyncException(
                    ErrorKind.Protocol, $"{peer}: {fault.Text}",
                    "check the address; nothing of the last round was stored"),
        };
    }

    /// <summary>Names the missing capability and the user, which the server's sentence does not.</summary>
    public static EdgeSyncException Denied(Uri peer, string sentence, string? login)
    {
        var letter = sentence switch
        {
            _ when sentence.Contains("clone", StringComparison.Ordinal) => "g (clone)",
            _ when sentence.Contains("write", StringComparison.Ordinal)
            || sentence.Contains("push", StringComparison.Ordinal) =>
                "i (check in)",
            _ when sentence.Contains("read", StringComparison.Ordinal)
                || sentence.Contains("pull", StringComparison.Ordinal) =>
                "o (check out)",
            _ when sentence.Contains("private", StringComparison.Ordinal) => "x (private)",
            _ => null,
        };
        var who = login ?? "nobody";
        var missing = letter is null ? "" : $": user {who} lacks capability {letter}";
        return new EdgeSyncException(
            ErrorKind.Denied, $"{peer} refuses: {sentence}{missing}",
            login is null ? "log in: --user LOGIN" : $"on the server: edgesync repo user update {who} --cap LETTERS");
    }
}
