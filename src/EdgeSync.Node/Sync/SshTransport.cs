using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Messages through <c>ssh HOST fossil test-http REPOSITORY</c>, as Fossil does for an <c>ssh://</c> address: one
/// process for the whole session, HTTP requests into its standard input, replies out of its standard output. ssh
/// handles its own passwords and keys; the login of Fossil is not used, since the right to run the command implies
/// every right.
/// </summary>
internal sealed class SshTransport : ITransport
{
    private const int HeadBytesMax = 16 * 1024;

    private readonly Process _process;
    private readonly PipeReader _replies;
    private readonly PooledBytes _body = new();
    private readonly Task<string> _errors;

    private SshTransport(Process process, string target)
    {
        (_process, Target) = (process, target);
        _replies = PipeReader.Create(
            process.StandardOutput.BaseStream, new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        _errors = process.StandardError.ReadToEndAsync();
    }

    public string Route => "ssh";

    public string Target { get; }

    public string? Responder => null;

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    /// <summary>
    /// Starts ssh. The command is the repository's setting <c>ssh-command</c>, or <c>ssh -e none</c>; the address may
    /// name the program at the other end by <c>?fossil=PATH</c>.
    /// </summary>
    /// <exception cref="EdgeSyncException">The address has no repository, or ssh is not installed.</exception>
    public static SshTransport Open(PeerUrl peer, string? sshCommand)
    {
        var start = StartOf(peer, sshCommand);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        try
        {
            return new SshTransport(Process.Start(start)!, peer.ToString());
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new EdgeSyncException(
                ErrorKind.System, $"cannot run {start.FileName} for {peer}: {e.Message}",
                "install an SSH client (Debian: openssh-client)", e);
        }
    }

    /// <summary>The command line, as in stock (transport_open in http_transport.c).</summary>
    internal static ProcessStartInfo StartOf(PeerUrl peer, string? sshCommand)
    {
        // ssh://host//abs/path is absolute; ssh://host/path is relative to the home folder there.
        var path = Uri.UnescapeDataString(peer.Address.AbsolutePath)[1..];
        if (path.Length == 0)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{peer} names no repository", "such as ssh://user@host/path/project.fossil");
        if (peer.Address.Host.StartsWith('-') || path.StartsWith('-') || peer.User?.StartsWith('-') == true)
            throw new EdgeSyncException(ErrorKind.Usage, $"{peer} would be taken for an option of ssh", null);

        var words = (string.IsNullOrWhiteSpace(sshCommand) ? "ssh -e none" : sshCommand)
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var start = new ProcessStartInfo(words[0]);
        foreach (var word in words[1..]) start.ArgumentList.Add(word);
        if (!peer.Address.IsDefaultPort && peer.Address.Port > 0)
        {
            start.ArgumentList.Add("-p");
            start.ArgumentList.Add(peer.Address.Port.ToString(CultureInfo.InvariantCulture));
        }

        start.ArgumentList.Add("-T");
        start.ArgumentList.Add("--");
        start.ArgumentList.Add(peer.User is { } user ? $"{user}@{peer.Address.Host}" : peer.Address.Host);
        start.ArgumentList.Add(Quoted(FossilOf(peer)));
        start.ArgumentList.Add("test-http");
        start.ArgumentList.Add(Quoted(path));
        return start;
    }

    public async Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
    {
        _body.Clear();
        XferFrame.Encode(XferEncoding.Zlib, message.Span, _body);
        try
        {
            await SendAsync(cancellationToken);
            return new TransportReply(await ReceiveAsync(cancellationToken));
        }
        catch (IOException e)
        {
            throw await EndedAsync(e);
        }
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(TimeSpan.FromSeconds(2))) _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It ended before.
        }

        _process.Dispose();
        _body.Dispose();
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        var input = _process.StandardInput.BaseStream;
        var head = $"POST / HTTP/1.0\r\nHost: localhost\r\nUser-Agent: EdgeSync/{BuildInfo.Version}\r\n"
            + $"X-Fossil-Transport: SSH\r\nContent-Type: {XferContentTypes.NameOf(XferContentType.Compressed)}\r\n"
            + $"Content-Length: {_body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n";
        await input.WriteAsync(Encoding.ASCII.GetBytes(head), cancellationToken);
        await input.WriteAsync(_body.Written, cancellationToken);
        await input.FlushAsync(cancellationToken);
        WireBytesSent += _body.Length;
        Progressed?.Invoke();
    }

    private async Task<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken)
    {
        var (type, length) = await ReadHeadAsync(cancellationToken);
        MessageFrame.RequireSize(length, Target);
        using var framed = new PooledBytes();
        while (framed.Length < length)
        {
            var read = await _replies.ReadAsync(cancellationToken);
            if (read.Buffer.IsEmpty && read.IsCompleted) throw await EndedAsync(null);

            var piece = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, length - framed.Length));
            foreach (var segment in piece) framed.Write(segment.Span);
            _replies.AdvanceTo(piece.End);
            WireBytesReceived += piece.Length;
            Progressed?.Invoke();
        }

        var encoding = type == XferContentType.Compressed ? XferEncoding.Zlib : XferEncoding.Plain;
        var reply = MessageFrame.Decode(encoding, framed.Written, Target);
        return encoding == XferEncoding.Plain ? reply.ToArray() : reply;
    }

    private async Task<(XferContentType Type, int Length)> ReadHeadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _replies.ReadAsync(cancellationToken);
            if (EndOfHead(read.Buffer) is { } end)
            {
                var head = Encoding.Latin1.GetString(read.Buffer.Slice(0, end));
                _replies.AdvanceTo(end);
                return Parse(head);
            }

            if (read.Buffer.Length > HeadBytesMax)
                throw new EdgeSyncException(
                    ErrorKind.Protocol, $"{Target} does not answer with HTTP",
                    "does the login at the other end print a greeting?");
            if (read.IsCompleted) throw await EndedAsync(null);
            _replies.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static SequencePosition? EndOfHead(ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        return reader.TryReadTo(out ReadOnlySequence<byte> _, "\r\n\r\n"u8) ? reader.Position : null;
    }

    private (XferContentType Type, int Length) Parse(string head)
    {
        var lines = head.Split("\r\n");
        // "HTTP/1.0 200 OK", or "Status: 200 OK" as in CGI.
        if (!lines[0].Contains(" 200", StringComparison.Ordinal))
            throw new EdgeSyncException(
                ErrorKind.Protocol, $"{Target} answers: {Text(lines[0])}", "check the path of the repository");

        var type = XferContentType.Compressed;
        var length = -1;
        foreach (var line in lines)
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                _ = int.TryParse(line.AsSpan(15).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out length);
            else if (line.StartsWith("Content-Type:", StringComparison.OrdinalIgnoreCase))
                type = TypeOf(line[13..].Split(';')[0].Trim());
        }

        return length >= 0
            ? (type, length)
            : throw new EdgeSyncException(ErrorKind.Protocol, $"{Target} answers without a Content-Length");
    }

    private XferContentType TypeOf(string name) => XferContentTypes.TryParse(name, out var type)
        ? type
        : throw new EdgeSyncException(
            ErrorKind.Protocol, $"{Target} answers with {Text(name)}, not a sync message",
            "check the path of the repository");

    private async Task<EdgeSyncException> EndedAsync(Exception? inner)
    {
        // The messages of ssh arrive before its end, unless a child of it keeps the stream open.
        await Task.WhenAny(_errors, Task.Delay(TimeSpan.FromSeconds(5)));
        var said = _errors.IsCompletedSuccessfully ? Text((await _errors).Trim()) : "";
        return new EdgeSyncException(
            ErrorKind.Unavailable, $"the connection to {Target} ended{(said.Length > 0 ? ": " + said : "")}",
            "run ssh by hand with the same host", inner);
    }

    private static string Text(string text) => new([.. text.Where(c => !char.IsControl(c)).Take(200)]);

    private static string FossilOf(PeerUrl peer)
    {
        foreach (var part in peer.Address.Query.TrimStart('?').Split('&'))
            if (part.StartsWith("fossil=", StringComparison.Ordinal))
                return Uri.UnescapeDataString(part["fossil=".Length..]);
        return "fossil";
    }

    // Spec: blob_append_escaped_arg() in blob.c: quotes where the remote shell would read more than one word.
    private static string Quoted(string word) =>
        word.All(
            c => char.IsAsciiLetterOrDigit(c)
            || c is '/' or '.' or '-' or '_' or '+' or ',' or '=' or ':' or '@' or '~')
            ? word
            : "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
