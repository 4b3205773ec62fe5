using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace EdgeSync.Net.Http;

/// <summary>
/// Fossil names an IPv6 host without its brackets, <c>Host: ::1:8080</c>, which Kestrel refuses. The header is mended before
/// Kestrel sees it, in the first bytes of a connection: Fossil sends one request on each, its head first.
/// </summary>
// Differs from RFC 9110 §7.2, as Fossil does.
internal static class BareHost
{
    private const int HeadBytesMax = 4096;

    public static async Task ServeAsync(ConnectionContext connection, TimeSpan patienceMax, TimeProvider clock, ConnectionDelegate next)
    {
        ReadResult first;
        try
        {
            using var patience = new CancellationTokenSource(patienceMax, clock);
            first = await connection.Transport.Input.ReadAsync(patience.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            return;   // nothing was asked in time
        }

        var head = first.Buffer.Slice(0, Math.Min(first.Buffer.Length, HeadBytesMax)).ToArray();
        if (Mended(head) is not { } mended)
        {
            connection.Transport.Input.AdvanceTo(first.Buffer.Start);
            await next(connection);
            return;
        }

        connection.Transport.Input.AdvanceTo(first.Buffer.GetPosition(head.Length));
        var plain = connection.Transport;
        var pipe = new Pipe(new PipeOptions(useSynchronizationContext: false));
        await pipe.Writer.WriteAsync(mended);
        var copying = CopyAsync(plain.Input, pipe.Writer);
        connection.Transport = new Duplex(pipe.Reader, plain.Output);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = plain;
            await pipe.Reader.CompleteAsync();
            plain.Input.CancelPendingRead();
            await copying;
        }
    }

    /// <summary>The head with brackets around the host, or null when it needs none.</summary>
    internal static byte[]? Mended(ReadOnlySpan<byte> head)
    {
        var name = "\r\nHost: "u8;
        var at = head.IndexOf(name);
        var end = head.IndexOf("\r\n\r\n"u8);
        if (at < 0 || (end >= 0 && at > end)) return null;

        var host = head[(at + name.Length)..];
        if (host.IndexOf((byte)'\r') is var length && length < 0) return null;

        host = host[..length];
        if (host.Count((byte)':') < 2 || host[0] == (byte)'[') return null;

        // Everything before the last colon is the address; behind it stands the port.
        var text = Encoding.ASCII.GetString(host);
        var colon = text.LastIndexOf(':');
        var fixedHost = Encoding.ASCII.GetBytes($"[{text[..colon]}]{text[colon..]}");
        return [.. head[..(at + name.Length)], .. fixedHost, .. head[(at + name.Length + length)..]];
    }

    private static async Task CopyAsync(PipeReader source, PipeWriter target)
    {
        Exception? failure = null;
        try
        {
            while (true)
            {
                var read = await source.ReadAsync();
                foreach (var piece in read.Buffer) target.Write(piece.Span);
                source.AdvanceTo(read.Buffer.End);
                var flushed = await target.FlushAsync();
                if (read.IsCompleted || read.IsCanceled || flushed.IsCompleted) break;
            }
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException or InvalidOperationException)
        {
            failure = e;
        }

        await target.CompleteAsync(failure);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
