using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Control;

/// <summary>
/// Listens on the daemon's unix socket, which only its owner can open, and on a link to it for each repository. A
/// client sends one line and receives one line.
/// </summary>
internal sealed class ControlServer : IAsyncDisposable
{
    private const int LineBytesMax = 64 * 1024;
    private const int WaitingMax = 16;

    private readonly Func<ControlRequest, CancellationToken, Task<ControlReply>> _answer;
    private readonly ILogger _log;
    private readonly string _folder;
    private readonly Socket _listener;
    private readonly RunningTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private readonly List<string> _links = [];

    private ControlServer(
        string path, Socket listener, Func<ControlRequest, CancellationToken, Task<ControlReply>> answer, ILogger log,
        Action<Exception> failed)
    {
        (Path, _listener, _answer, _log) = (path, listener, answer, log);
        _folder = System.IO.Path.GetDirectoryName(path)!;
        _tasks = new RunningTasks(failed, log);
        _loop = Task.Run(AcceptAsync);
    }

    public string Path { get; }

    /// <exception cref="EdgeSyncException">The folder or the socket cannot be created.</exception>
    public static ControlServer Start(
        string? path, Func<ControlRequest, CancellationToken, Task<ControlReply>> answer, ILogger log,
        Action<Exception> failed)
    {
        path = System.IO.Path.GetFullPath(path ?? NodePaths.SocketOf(Environment.ProcessId, NodePaths.RuntimeFolder));
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            NodePaths.CreatePrivate(System.IO.Path.GetDirectoryName(path)!);
            ClearDead(System.IO.Path.GetDirectoryName(path)!);
            RequireNoOther(path);
            File.Delete(path);   // of a killed process with the same number
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(WaitingMax);
            return new ControlServer(path, listener, answer, log, failed);
        }
        catch (Exception e) when (
            e is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            listener.Dispose();
            throw new EdgeSyncException(
                ErrorKind.System, $"cannot open the control socket {path}: {e.Message}",
                "name another: --control-socket PATH", e);
        }
    }

    /// <summary>Lets commands find this daemon by its repositories' names.</summary>
    public void Link(IEnumerable<string> repositories)
    {
        Unlink();
        foreach (var repository in repositories)
        {
            var link = NodePaths.SocketOf(repository, _folder);
            try
            {
                if (new FileInfo(link).LinkTarget is null) RequireNoOther(link);
                File.Delete(link);
                File.CreateSymbolicLink(link, Path);
                _links.Add(link);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or EdgeSyncException)
            {
                _log.ControlLinkFailed(repository, e.Message);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Unlink();
        await _stop.CancelAsync();
        _listener.Dispose();
        await _loop;
        await _tasks.DisposeAsync();
        File.Delete(Path);
        _stop.Dispose();
    }

    /// <summary>Replaces a socket only; any other file of the name stays.</summary>
    private static void RequireNoOther(string path)
    {
        if (IsSocketOrNothing(path)) return;

        throw new EdgeSyncException(
            ErrorKind.Conflict, $"{path} exists and is not a socket",
            "choose another path for --control-socket, or remove that file");
    }

    // A socket cannot be opened as a file. For reading and writing: so that a pipe does not block.
    private static bool IsSocketOrNothing(string path)
    {
        const int NoSuchDevice = 6;   // ENXIO
        try
        {
            using var file = File.OpenHandle(
                path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return true;
        }
        catch (IOException e)
        {
            return e.HResult == NoSuchDevice;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Left by killed daemons: sockets of processes that ended, and links to them.
    private static void ClearDead(string folder)
    {
        foreach (var file in Directory.GetFiles(folder, "*.sock"))
        {
            var name = System.IO.Path.GetFileNameWithoutExtension(file);
            var isDead = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var process)
                ? !ControlClient.IsAlive(process)
                : name.StartsWith("repo-", StringComparison.Ordinal) && new FileInfo(file).LinkTarget is { } target
                    && !File.Exists(target);
            if (isDead && (new FileInfo(file).LinkTarget is not null || IsSocketOrNothing(file))) File.Delete(file);
        }
    }

    private void Unlink()
    {
        // A link that another daemon of the same repository has made since stays.
        foreach (var link in _links.Where(l => new FileInfo(l).LinkTarget == Path)) File.Delete(link);
        _links.Clear();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptAsync(_stop.Token);
                _tasks.Start(() => ServeAsync(client));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // Ended, or the client disconnected before the reply.
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var stream = new NetworkStream(client, ownsSocket: true);
        try
        {
            var line = await ControlLine.ReadAsync(stream, LineBytesMax, _stop.Token);
            var reply = line is null ? Refusal("the request is not a line of JSON") : await AnswerAsync(line);
            await ControlLine.WriteAsync(stream, reply, _stop.Token);
        }
        catch (IOException)
        {
            // The client has disconnected.
        }
    }

    private async Task<ControlReply> AnswerAsync(byte[] line)
    {
        try
        {
            return await _answer(ControlLine.Parse<ControlRequest>(line), _stop.Token);
        }
        catch (JsonException e)
        {
            return Refusal(e.Message);
        }
        catch (EdgeSyncException e)
        {
            return new ControlReply { Error = new Failure(ErrorKinds.Word(e.Kind), e.Message, e.Hint, e.Candidates) };
        }
    }

    private static ControlReply Refusal(string message) =>
        new() { Error = new Failure(ErrorKinds.Word(ErrorKind.Protocol), message, null, []) };
}
