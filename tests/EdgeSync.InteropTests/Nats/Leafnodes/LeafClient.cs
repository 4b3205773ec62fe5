using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EdgeSync.InteropTests.Nats.Leafnodes;

/// <summary>One message as it came: header block and body are kept apart.</summary>
internal sealed record LeafMessage(string Subject, string Sid, string Reply, string Header, string Body);

/// <summary>
/// A client that speaks the protocol line by line, so that nothing of ours helps either side. Waits at most ten seconds
/// for anything.
/// </summary>
internal sealed class LeafClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static int _lastProbe;

    private readonly NetworkStream _stream;
    private readonly StreamReader _lines;
    private readonly Queue<LeafMessage> _messages = new();
    private readonly HashSet<string> _probes = [];
    private int _lastSid;

    private LeafClient(NetworkStream stream)
    {
        _stream = stream;
        _lines = new StreamReader(stream, Encoding.Latin1);
    }

    public static async Task<LeafClient> OpenAsync(int port, string fields = "")
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port, TestContext.Current!.Execution.CancellationToken);
        var client = new LeafClient(new NetworkStream(socket, ownsSocket: true));
        await client.LineAsync();
        await client.SendAsync(
            $"CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true{fields}}}\r\n");
        await client.FlushAsync();
        return client;
    }

    public async Task SendAsync(string text) =>
        await _stream.WriteAsync(Encoding.Latin1.GetBytes(text), TestContext.Current!.Execution.CancellationToken);

    public async Task<string> SubscribeAsync(string subject, string queue = "")
    {
        var sid = $"{++_lastSid}";
        await SendAsync($"SUB {subject} {queue} {sid}\r\n");
        return sid;
    }

    public Task PublishAsync(string subject, string body, string reply = "") =>
        SendAsync($"PUB {subject} {reply} {body.Length}\r\n{body}\r\n");

    public Task PublishAsync(string subject, string header, string body, string reply)
    {
        var block = $"NATS/1.0\r\n{header}\r\n\r\n";
        return SendAsync($"HPUB {subject} {reply} {block.Length} {block.Length + body.Length}\r\n{block}{body}\r\n");
    }

    /// <summary>Everything sent before was handled by the server.</summary>
    public async Task FlushAsync()
    {
        await SendAsync("PING\r\n");
        while (await ReadAsync() is not "PONG")
        {
        }
    }

    public async Task<LeafMessage> NextAsync()
    {
        while (_messages.Count == 0) await ReadAsync();
        return _messages.Dequeue();
    }

    /// <summary>The messages that are there after a round trip to the server.</summary>
    public async Task<List<LeafMessage>> ArrivedAsync()
    {
        await FlushAsync();
        List<LeafMessage> arrived = [.. _messages];
        _messages.Clear();
        return arrived;
    }

    /// <summary>One request on a fresh inbox, and its first answer.</summary>
    public async Task<LeafMessage> RequestAsync(string subject, string body)
    {
        var inbox = $"_INBOX.{Guid.NewGuid():N}";
        var sid = await SubscribeAsync(inbox);
        await PublishAsync(subject, body, inbox);
        var answer = await NextAsync();
        await SendAsync($"UNSUB {sid}\r\n");
        return answer;
    }

    /// <summary>Whether a request is turned away at once. What else has arrived is forgotten.</summary>
    public async Task<bool> IsNobodyThereAsync(string subject)
    {
        var inbox = $"_INBOX.{Guid.NewGuid():N}";
        var sid = await SubscribeAsync(inbox);
        await PublishAsync(subject, "", inbox);
        var arrived = await ArrivedAsync();
        await SendAsync($"UNSUB {sid}\r\n");
        return arrived.Any(
            message => message.Sid == sid && message.Header.StartsWith("NATS/1.0 503", StringComparison.Ordinal));
    }

    /// <summary>
    /// Until what this client wants is known to <paramref name="publisher"/>, over however many links: interest keeps
    /// its order, so a later one that has arrived shows that the earlier ones have.
    /// </summary>
    public async Task BeReachableFromAsync(LeafClient publisher, TimeSpan? within = null)
    {
        // A real server that sets up its link may send a new subscription before the earlier ones; one that is made
        // when the link stands comes after all of them.
        await FlushAsync();
        await ProbeAsync(publisher, within);
        await ProbeAsync(publisher, within);

        // Probes that were still under way are let in before the queue is cleaned.
        await FlushAsync();
        var others = _messages.Where(message => !_probes.Contains(message.Sid)).ToArray();
        _messages.Clear();
        foreach (var message in others) _messages.Enqueue(message);
    }

    private async Task ProbeAsync(LeafClient publisher, TimeSpan? within)
    {
        var probe = $"probe.{Interlocked.Increment(ref _lastProbe)}";
        var sid = await SubscribeAsync(probe);
        _probes.Add(sid);
        using var patience = new CancellationTokenSource(within ?? Patience * 2);
        while (true)
        {
            await publisher.PublishAsync(probe, "");
            await publisher.FlushAsync();
            await FlushAsync();
            var isHere = _messages.Any(message => message.Sid == sid);
            if (isHere) break;

            await Task.Delay(10, patience.Token);
        }

        await SendAsync($"UNSUB {sid}\r\n");
    }

    public async ValueTask DisposeAsync()
    {
        _lines.Dispose();
        await _stream.DisposeAsync();
    }

    private async Task<string> LineAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(
            TestContext.Current!.Execution.CancellationToken);
        patience.CancelAfter(Patience);
        return await _lines.ReadLineAsync(patience.Token)
            ?? throw new EndOfStreamException("the server has closed the connection");
    }

    /// <summary>One line; a message goes to the queue and gives an empty one.</summary>
    private async Task<string> ReadAsync()
    {
        var line = await LineAsync();
        var words = line.Split(' ');
        if (words[0] is not ("MSG" or "HMSG")) return line;

        var hasHeader = words[0] == "HMSG";
        var numbers = hasHeader ? 2 : 1;
        var size = int.Parse(words[^1], CultureInfo.InvariantCulture);
        var headerSize = hasHeader ? int.Parse(words[^2], CultureInfo.InvariantCulture) : 0;
        var content = new char[size + 2];
        await _lines.ReadBlockAsync(content, TestContext.Current!.Execution.CancellationToken);
        _messages.Enqueue(new LeafMessage(
            words[1], words[2], words.Length == 4 + numbers ? words[3] : "",
            new string(content, 0, headerSize), new string(content, headerSize, size - headerSize)));
        return "";
    }
}
