using System.Net.Sockets;

namespace EdgeSync.Net.Http;

/// <summary>
/// Makes the HTTP clients of the program. A connection that its server resets in the moment it is made reaches a caller
/// of .NET's handler as a <see cref="SocketException"/> ("Transport endpoint is not connected", from the look at the
/// remote address), where its documents name <see cref="HttpRequestException"/> alone. A client from here gives that.
/// </summary>
public static class HttpConnections
{
    /// <summary>A client over one handler, which it owns.</summary>
    /// <param name="handler">Null: .NET's defaults.</param>
    /// <param name="timeout">Of a whole exchange; null: .NET's default of 100 seconds.</param>
    public static HttpClient Client(SocketsHttpHandler? handler = null, TimeSpan? timeout = null)
    {
        var client = new HttpClient(Handler(handler ?? new SocketsHttpHandler()));
        if (timeout is { } limit) client.Timeout = limit;
        return client;
    }

    /// <summary>The handler itself, for what stands between it and a client.</summary>
    public static DelegatingHandler Handler(SocketsHttpHandler handler) => new FaultHandler(handler);

    private sealed class FaultHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return base.Send(request, cancellationToken);
            }
            catch (SocketException e)
            {
                throw Fault(e);
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (SocketException e)
            {
                throw Fault(e);
            }
        }

        private static HttpRequestException Fault(SocketException e) =>
            new(HttpRequestError.ConnectionError, e.Message, e);
    }
}
