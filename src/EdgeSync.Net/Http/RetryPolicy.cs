using System.Net;

namespace EdgeSync.Net.Http;

/// <summary>Whether and when to retry. Pure: the client has the clock.</summary>
/// <param name="AttemptsMax">The first one counts.</param>
public sealed record RetryPolicy(int AttemptsMax, TimeSpan FirstDelay, TimeSpan DelayMax)
{
    /// <summary>Four attempts, after 250 ms, 500 ms and 1 s.</summary>
    public static RetryPolicy Standard { get; } = new(4, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(2));

    public static RetryPolicy None { get; } = new(1, TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>The request was not processed, or may succeed later.</summary>
    public static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        || (int)status is 500 or (>= 502 and <= 504);

    /// <summary>The pause after the given failed attempt (from 1), or null to give up.</summary>
    /// <param name="askedFor">The server's <c>Retry-After</c>; more than the longest pause means giving up.</param>
    public TimeSpan? PauseAfter(int attempt, TimeSpan? askedFor)
    {
        if (attempt >= AttemptsMax) return null;
        if (askedFor > DelayMax) return null;

        var doubled = FirstDelay * Math.Pow(2, attempt - 1);
        var pause = doubled < DelayMax ? doubled : DelayMax;
        return askedFor > pause ? askedFor : pause;
    }
}
