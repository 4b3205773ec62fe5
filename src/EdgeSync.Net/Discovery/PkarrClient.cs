using System.Net;
using System.Net.Http.Headers;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Discovery;

/// <summary>Publishes to a pkarr relay and reads from it: PUT and GET of <c>BASE/Z32</c>.</summary>
/// <param name="http">Connections; its owner keeps it.</param>
/// <param name="url">Such as <c>https://relay.example.org/pkarr</c>.</param>
public sealed class PkarrClient(HttpClient http, Uri url)
{
    private const string MediaType = "application/x-pkarr-signed-packet";

    /// <summary>Publishes.</summary>
    /// <exception cref="EdgeSyncException">The relay does not answer, or refuses.</exception>
    public async Task PublishAsync(SignedPacket packet, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(packet);
        using var content = new ReadOnlyMemoryContent(packet.Body);
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
        using var request = new HttpRequestMessage(HttpMethod.Put, UrlOf(packet.Id)) { Content = content };
        using var response = await SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw Failure($"the pkarr relay {url} refused the record with status {(int)response.StatusCode}", null);
    }

    /// <summary>What the endpoint has published; null when the relay has no record.</summary>
    /// <exception cref="EdgeSyncException">The relay does not answer, or with a packet that the endpoint has not
    /// signed.</exception>
    public async Task<SignedPacket?> ResolveAsync(EndpointId id, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, UrlOf(id));
        using var response = await SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound) return null;
        if (!response.IsSuccessStatusCode)
            throw Failure($"the pkarr relay {url} answered with status {(int)response.StatusCode}", null);

        var body = await ReadAsync(response, cancellationToken);
        return SignedPacket.TryRead(id, body.Span, out var packet)
            ? packet
            : throw new EdgeSyncException(
                ErrorKind.Protocol, $"the pkarr relay {url} answered with a record that the endpoint has not signed");
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw Failure($"the pkarr relay {url} does not answer: {e.Message}", e);
        }
    }

    // One byte more than the limit shows that it is exceeded.
    private static async Task<ReadOnlyMemory<byte>> ReadAsync(
        HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[SignedPacket.BodyBytesMax + 1];
        using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var count = await stream.ReadAtLeastAsync(
            buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return buffer.AsMemory(0, count);
    }

    private Uri UrlOf(EndpointId id) => new($"{url.AbsoluteUri.TrimEnd('/')}/{id.ToZ32()}");

    private static EdgeSyncException Failure(string message, Exception? inner) =>
        new(ErrorKind.Unavailable, message, inner: inner);
}
