using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>Passwords, tokens and seeds: read from files that only their owner can read, and never shown.</summary>
internal static class Secrets
{
    private const int FileBytesMax = 64 * 1024;

    private static readonly string[] Words =
        ["password", "token", "headers", "seed", "passphrase", "apikey", "admintoken", "syncapikey"];

    /// <summary>The value of a setting for display.</summary>
    public static string Redact(string path, string value)
    {
        // A layer has the names without underscores.
        var name = path[(path.LastIndexOf('.') + 1)..].Replace("_", "", StringComparison.Ordinal);
        if (value != "null" && Words.Contains(name)) return "(redacted)";

        return RedactUrls(value);
    }

    /// <summary>Removes the password (and a token in the user's place) from addresses.</summary>
    public static string RedactUrls(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) return text;

        var begin = scheme + 3;
        var end = text.IndexOfAny(['/', '"', ',', ' '], begin);
        var authority = end < 0 ? text[begin..] : text[begin..end];
        var at = authority.LastIndexOf('@');
        var rest = end < 0 ? "" : RedactUrls(text[end..]);
        if (at < 0) return text[..begin] + authority + rest;

        var colon = authority.IndexOf(':', StringComparison.Ordinal);
        var who = colon >= 0 && colon < at ? authority[..colon] + ":…" : "…";
        return $"{text[..begin]}{who}{authority[at..]}{rest}";
    }

    /// <summary>The value itself, or the first line of its file.</summary>
    public static string? Read(string? value, string? file) => file is null ? value : FirstLine(file);

    /// <exception cref="EdgeSyncException">It does not exist, or is readable by others.</exception>
    public static string FirstLine(string file)
    {
        var line = ReadFile(file).Split('\n', 2)[0].TrimEnd('\r');
        return line.Length > 0
            ? line
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"{file} holds no secret: its first line is empty",
                "write the secret on the first line");
    }

    /// <exception cref="EdgeSyncException">It does not exist, or is readable by others.</exception>
    public static string ReadFile(string file)
    {
        RequirePrivate(file);
        try
        {
            if (new FileInfo(file).Length > FileBytesMax)
                throw new EdgeSyncException(ErrorKind.Usage, $"{file} is too large for a secret", "check the path");
            return File.ReadAllText(file, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(ErrorKind.System, $"cannot read the secret in {file}: {e.Message}", inner: e);
        }
    }

    /// <summary>Why a file is not suitable for a secret, or null.</summary>
    public static string? FaultOf(string file)
    {
        if (!File.Exists(file)) return $"{file} does not exist";
        if (OperatingSystem.IsWindows()) return null;

        const UnixFileMode Others =
            UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        return (File.GetUnixFileMode(file) & Others) == 0 ? null : $"{file} is readable by other users";
    }

    /// <exception cref="EdgeSyncException">It does not exist, or is readable by others; the hint is the command that
    /// makes it private.</exception>
    public static void RequirePrivate(string file)
    {
        if (FaultOf(file) is not { } fault) return;

        throw File.Exists(file)
            ? new EdgeSyncException(ErrorKind.Usage, fault, $"chmod 600 {file}")
            : new EdgeSyncException(ErrorKind.NotFound, fault, "check the path");
    }
}
