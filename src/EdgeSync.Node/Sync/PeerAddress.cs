using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Reads the address of a peer from a command line: an http, https, file, ssh or iroh address, or the path of a
/// repository.
/// </summary>
internal static class PeerAddress
{
    /// <exception cref="EdgeSyncException">Neither an address nor a file.</exception>
    public static PeerUrl Parse(string text)
    {
        if (PeerUrl.TryParseAny(text, out var url)) return url;
        if (File.Exists(text)) return PeerUrl.OfFile(Path.GetFullPath(text).Replace('\\', '/'));

        throw new EdgeSyncException(
            ErrorKind.Usage, $"'{Secrets.RedactUrls(text)}' is neither the address of a peer nor a repository file",
            "such as http://host:8080, https://user@host/project, ssh://user@host/project.fossil, iroh:TICKET or "
                + "/path/project.fossil");
    }
}
