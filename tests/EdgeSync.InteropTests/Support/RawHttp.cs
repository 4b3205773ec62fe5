using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EdgeSync.InteropTests.Support;

/// <summary>What came back on a raw connection. A status of 0 means that the peer closed without a word.</summary>
internal sealed record RawReply(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>The cards, expanded when they came compressed.</summary>
    public string Cards { get; } = Encoding.Latin1.GetString(
        Headers.GetValueOrDefault("content-type") == XferMessage.ContentType
        && Body.Length > 4 ? XferMessage.Expand(Body) : Body);
}

/// <summary>HTTP by hand over one TCP connection, so that a test may break every rule of it.</summary>
internal static class RawHttp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public static RawReply Post(
        int port, byte[] body, string contentType = XferMessage.ContentType, string path = "/") =>
        Send(port, [.. Head("1.0", path, contentType, body.Length), .. body]);

    public static RawReply PostPlain(int port, byte[] cards) => Post(port, cards, XferMessage.PlainContentType);

    public static RawReply PostCompressed(int port, byte[] cards) => Post(port, XferMessage.Compress(cards));

    /// <summary>A body of unknown length, as newer clients send it.</summary>
    public static RawReply PostChunked(
        int port, byte[] body, int chunkBytes, string contentType = XferMessage.ContentType)
    {
        using var request = new MemoryStream();
        request.Write(Encoding.ASCII.GetBytes(
            $"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {contentType}\r\nTransfer-Encoding: "
                + $"chunked\r\nConnection: close\r\n\r\n"));
        for (var at = 0; at < body.Length; at += chunkBytes)
        {
            var chunk = body.AsSpan(at, Math.Min(chunkBytes, body.Length - at));
            request.Write(Encoding.ASCII.GetBytes(chunk.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"));
            request.Write(chunk);
            request.Write("\r\n"u8);
        }

        request.Write("0\r\n\r\n"u8);
        return Send(port, request.ToArray());
    }

    public static byte[] Head(string version, string path, string contentType, long contentLength, string more = "") =>
        Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/{version}\r\nHost: 127.0.0.1\r\nContent-Type: {contentType}\r\nContent-Length: "
                + $"{contentLength}\r\n{more}\r\n");

    /// <summary>Sends bytes as they are, optionally ends its side, and reads to the end.</summary>
    public static RawReply Send(int port, byte[] request, bool thenEnd = false)
    {
        using var client = new TcpClient
        {
            ReceiveTimeout = (int)Patience.TotalMilliseconds,
            SendTimeout = (int)Patience.TotalMilliseconds
        };
        client.Connect(IPAddress.Loopback, port);
        var stream = client.GetStream();
        try
        {
            stream.Write(request);
            if (thenEnd) client.Client.Shutdown(SocketShutdown.Send);
        }
        catch (IOException)
        {
            // The server may answer and close before it has taken everything; the answer counts.
        }

        return Read(stream);
    }

    public static RawReply Read(Stream stream)
    {
        using var all = new MemoryStream();
        var buffer = new byte[65_536];
        var headEnd = -1;
        long expected = long.MaxValue;
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        var status = 0;
        while (headEnd < 0 || all.Length < headEnd + expected)
        {
            int count;
            try
            {
                count = stream.Read(buffer);
            }
            catch (IOException) when (all.Length > 0)
            {
                break;
            }
            catch (IOException)
            {
                return new RawReply(0, headers, []);
            }

            if (count == 0) break;
            all.Write(buffer, 0, count);
            if (headEnd >= 0) continue;

            headEnd = all.GetBuffer().AsSpan(0, (int)all.Length).IndexOf("\r\n\r\n"u8);
            if (headEnd < 0) continue;

            var lines = Encoding.Latin1.GetString(all.GetBuffer(), 0, headEnd).Split("\r\n");
            headEnd += 4;
            status = int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture);
            foreach (var line in lines.AsSpan(1))
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                headers[line[..colon].ToLowerInvariant()] = line[(colon + 1)..].Trim();
            }

            if (headers.TryGetValue("content-length", out var length))
                expected = long.Parse(length, CultureInfo.InvariantCulture);
        }

        return headEnd < 0 ? new RawReply(0, headers, []) : new RawReply(status, headers, all.ToArray()[headEnd..]);
    }
}
