using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace EdgeSync.Node.Web.Live;

/// <summary>
/// Streams of server-sent events that say no more than that something has changed: the page then fetches itself again,
/// with the rights of its visitor. So many are open at most, in all and for an address.
/// <code>
/// retry: 3000          how soon the browser comes again
/// : wait               every twenty seconds, so that nothing between takes the connection for dead
/// event: change
/// data: 1
/// </code>
/// </summary>
internal sealed class LiveStreams(TimeProvider clock)
{
    private const int StreamsMax = 64, StreamsOfAddressMax = 16;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(20), Lifetime = TimeSpan.FromMinutes(10);
    private static readonly byte[] Begin = "retry: 3000\n\n"u8.ToArray(), Wait = ": wait\n\n"u8.ToArray(),
        Change = "event: change\ndata: 1\n\n"u8.ToArray();

    private readonly Dictionary<IPAddress, int> _open = [];
    private int _openCount;

    public TimeProvider Clock => clock;

    /// <summary>Sends changes until the browser leaves, the node stops, or ten minutes are over.</summary>
    public async Task ServeAsync(HttpContext context, LiveTopic topic)
    {
        var response = context.Response;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (!TryEnter(address))
        {
            response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            response.ContentType = "text/plain; charset=utf-8";
            await response.Body.WriteAsync(
                Encoding.UTF8.GetBytes("Too many pages wait for changes.\n"), context.RequestAborted);
            return;
        }

        topic.Join();
        try
        {
            await SendAsync(context, topic);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The browser has left, or the node stops.
        }
        finally
        {
            await topic.LeaveAsync();
            Leave(address);
        }
    }

    private async Task SendAsync(HttpContext context, LiveTopic topic)
    {
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        using var timer = clock.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), over, Lifetime, Timeout.InfiniteTimeSpan);
        var response = context.Response;
        response.ContentType = "text/event-stream";
        var change = topic.Change;
        await response.Body.WriteAsync(Begin, over.Token);
        await response.Body.FlushAsync(over.Token);
        while (true)
        {
            var hasChanged = true;
            try
            {
                await change.WaitAsync(Quiet, clock, over.Token);
            }
            catch (TimeoutException)
            {
                hasChanged = false;
            }

            if (hasChanged) change = topic.Change;
            await response.Body.WriteAsync(hasChanged ? Change : Wait, over.Token);
            await response.Body.FlushAsync(over.Token);
        }
    }

    private bool TryEnter(IPAddress address)
    {
        lock (_open)
        {
            var ofAddress = _open.GetValueOrDefault(address);
            if (_openCount >= StreamsMax || ofAddress >= StreamsOfAddressMax) return false;

            _openCount++;
            _open[address] = ofAddress + 1;
            return true;
        }
    }

    private void Leave(IPAddress address)
    {
        lock (_open)
        {
            _openCount--;
            if (--_open[address] == 0) _open.Remove(address);
        }
    }
}
