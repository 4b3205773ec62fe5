using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace EdgeSync.IntegrationTests.Net.Nats;

/// <summary>A NATS client without state: text out, text in. Every wait gives up after ten seconds.</summary>
internal sealed class LineClient(Stream stream) : IAsyncDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private string _read = "";

    public static CancellationToken Patience => new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token;

    /// <summary>Connected in clear; INFO is still to be read.</summary>
    public static async Task<LineClient> ConnectAsync(Uri url)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(url.Host, url.Port, Patience);
        return new LineClient(new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>Past the usual opening.</summary>
    public static async Task<LineClient> OpenAsync(Uri url)
    {
        var client = await ConnectAsync(url);
        await client.OpenAsync();
        return client;
    }

    /// <summary>Reads INFO, sends CONNECT, and waits until it was accepted.</summary>
    public async Task<string> OpenAsync(string fields = "\"headers\":true")
    {
        var info = await ReadLineAsync();
        await SendAsync($"CONNECT {{\"verbose\":false,\"pedantic\":false,{fields}}}\r\nPING\r\n");
        Assert.Equal("PONG", await ReadLineAsync());
        return info;
    }

    public async Task<LineClient> UpgradeAsync()
    {
        var secured = new SslStream(
            stream, leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate?.Subject == "CN=localhost");
        await secured.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost" }, Patience);
        return new LineClient(secured);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes, Patience);

    /// <summary>
    /// The next line, without its end; null when the other side has closed. The broker's PING, which it sends two
    /// seconds after the login, is answered and left out, as clients do.
    /// </summary>
    public async Task<string?> TryReadLineAsync()
    {
        while (await TakeLineAsync() is { } line)
        {
            if (line != "PING") return line;

            await SendAsync("PONG\r\n");
        }

        return null;
    }

    private async Task<string?> TakeLineAsync()
    {
        while (!_read.Contains("\r\n", StringComparison.Ordinal))
        {
            if (!await TryFillAsync()) return null;
        }

        var end = _read.IndexOf("\r\n", StringComparison.Ordinal);
        var line = _read[..end];
        _read = _read[(end + 2)..];
        return line;
    }

    public async Task<string> ReadLineAsync() => await TryReadLineAsync() ?? throw new EndOfStreamException();

    /// <summary>Everything until the other side closes.</summary>
    public async Task<string> ReadToEndAsync()
    {
        while (await TryFillAsync())
        {
        }

        return _read;
    }

    /// <summary>
    /// So many bytes, whatever they are, behind what was read in lines. Less when the other side closes.
    /// </summary>
    public async Task<long> ReadBytesAsync(long count)
    {
        long read = _read.Length;
        _read = "";
        while (read < count && await stream.ReadAsync(_buffer, Patience) is var size and > 0) read += size;
        return read;
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private async Task<bool> TryFillAsync()
    {
        try
        {
            var size = await stream.ReadAsync(_buffer, Patience);
            _read += Encoding.UTF8.GetString(_buffer, 0, size);
            return size > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
