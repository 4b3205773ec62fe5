using System.Globalization;
using System.Net.Sockets;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Control;

/// <summary>Finds a daemon's control socket, by repository, process or path, and sends a request to it.</summary>
internal static class ControlClient
{
    private const int ReplyBytesMax = 16 << 20;

    /// <summary>The socket of the daemon that has this repository, or null.</summary>
    public static string? Find(string repository) =>
        NodePaths.RuntimeFolders.Select(f => NodePaths.SocketOf(repository, f)).FirstOrDefault(File.Exists);

    /// <summary>The socket of a daemon by process, or null.</summary>
    public static string? Find(int processId) =>
        NodePaths.RuntimeFolders.Select(f => NodePaths.SocketOf(processId, f)).FirstOrDefault(File.Exists);

    /// <summary>Sockets of all daemons that are visible to this user.</summary>
    public static IReadOnlyList<string> FindAll() =>
    [
        .. NodePaths.RuntimeFolders.Distinct().Where(Directory.Exists).SelectMany(List)
            .Where(
                f => int.TryParse(
                    Path.GetFileNameWithoutExtension(f), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && IsAlive(id)),
    ];

    /// <exception cref="EdgeSyncException">No daemon runs, or the request failed.</exception>
    public static async Task<ControlReply> AskAsync(
        string socket, ControlRequest request, CancellationToken cancellationToken)
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await client.ConnectAsync(new UnixDomainSocketEndPoint(Resolve(socket)), cancellationToken);
            using var stream = new NetworkStream(client);
            await ControlLine.WriteAsync(stream, request, cancellationToken);
            var line = await ControlLine.ReadAsync(stream, ReplyBytesMax, cancellationToken)
                ?? throw new EdgeSyncException(ErrorKind.Unavailable, "the daemon ended before it replied");
            var reply = ControlLine.Parse<ControlReply>(line);
            return reply.Error is { } error
                ? throw new EdgeSyncException(ErrorKinds.Parse(error.Kind), error.Message, error.Hint)
                {
                    Candidates = error.Candidates
                }
                : reply;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"no daemon answers at {socket}: {e.Message}", "edgesync up FILE", e);
        }
    }

    /// <summary>Notifies a daemon of a commit, if one runs; failures are ignored, because the commit is
    /// complete.</summary>
    public static void NotifyChanged(string repository) => Tell(repository, "changed");

    /// <summary>Notifies a daemon, if one runs, that users were added or removed.</summary>
    public static void NotifyUsersChanged(string repository) => Tell(repository, "users");

    private static void Tell(string repository, string what)
    {
        if (Find(repository) is not { } path) return;

        try
        {
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            {
                SendTimeout = 1000,
                ReceiveTimeout = 1000
            };
            client.Connect(new UnixDomainSocketEndPoint(Resolve(path)));
            client.Send(ControlLine.BytesOf(new ControlRequest(what, NodePaths.RealPathOf(repository))));
        }
        catch (SocketException)
        {
            // The link of a killed daemon: it reads the repository when it starts.
        }
    }

    // The link's own path may be too long for a socket address, and its target is the bound path.
    private static string Resolve(string path) => new FileInfo(path).LinkTarget ?? path;

    // A process that was killed leaves its socket behind.
    internal static bool IsAlive(int processId) =>
        !OperatingSystem.IsLinux() || Directory.Exists($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}");

    private static IEnumerable<string> List(string folder)
    {
        try
        {
            return Directory.GetFiles(folder, "*.sock");
        }
        catch (UnauthorizedAccessException)
        {
            return [];   // another user's
        }
    }
}
