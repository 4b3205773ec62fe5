using System.Collections.Concurrent;
using System.Net;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Takes OTLP over HTTP and keeps what came.</summary>
internal sealed class FakeCollector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task _loop;

    public FakeCollector()
    {
        Url = $"http://127.0.0.1:{Ports.Free()}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _loop = Task.Run(RunAsync);
    }

    public string Url { get; }

    public ConcurrentQueue<(string Path, string? Key, ProtobufFields Body)> Requests { get; } = new();

    /// <summary>Each span with the service it came from. Spec: request 1, resource block 2, scope block 2.</summary>
    public IReadOnlyList<(string Service, ProtobufFields Span)> Spans =>
    [
        .. from request in Requests
           where request.Path == "/v1/traces"
           from block in request.Body.Messages(1)
           let service = block.Messages(1).Single().Attributes(1)["service.name"]
           from span in block.Below(2, 2)
           select (service, span),
    ];

    public IReadOnlyList<ProtobufFields> Metrics =>
        [.. Requests.Where(r => r.Path == "/v1/metrics").SelectMany(r => r.Body.Below(1, 2, 2))];

    public IReadOnlyList<ProtobufFields> LogRecords =>
        [.. Requests.Where(r => r.Path == "/v1/logs").SelectMany(r => r.Body.Below(1, 2, 2))];

    public void Dispose()
    {
        _listener.Stop();
        _loop.GetAwaiter().GetResult();
        _listener.Close();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (
                e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }

            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            Requests.Enqueue(
                (
                    context.Request.Url!.AbsolutePath, context.Request.Headers["x-key"],
                    new ProtobufFields(body.ToArray())));
            context.Response.Close();
        }
    }
}
