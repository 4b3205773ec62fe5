using System.Net;

namespace EdgeSync.Net.Http;

/// <summary>
/// One POST of cards, its body complete and within the limit. The body is valid until the reply is given.
/// </summary>
public sealed record XferHttpRequest(
    string Path, XferContentType ContentType, ReadOnlyMemory<byte> Body, IPAddress RemoteAddress)
{
    /// <summary>
    /// The host as the client addressed it, such as <c>localhost:8080</c>; empty if it sent none.
    /// </summary>
    public string Host { get; init; } = "";

    public bool IsHttps { get; init; }

    /// <summary>
    /// The cookies as received, <c>NAME=VALUE; …</c>: newer clients log in by one. Empty if there are none.
    /// </summary>
    public string Cookies { get; init; } = "";

    /// <summary>The memory budget for the unpacked message; null: not counted.</summary>
    public ByteShare? Memory { get; init; }

    /// <summary>
    /// The peer behind a request that did not come over HTTP: one whose key was proved below it. Null: unknown.
    /// </summary>
    public XferPeer? Peer { get; init; }
}

/// <summary>A peer that is known without a login.</summary>
/// <param name="Name">In place of the client's address.</param>
/// <param name="CapabilitiesAt">Its capabilities at the repository with this file; null: none at all.</param>
public sealed record XferPeer(string Name, Func<string, string?> CapabilitiesAt);

/// <summary>The reply to a POST. <paramref name="Owner"/> is disposed once the body has been sent.</summary>
public sealed record XferHttpReply(
    int Status, XferContentType ContentType, ReadOnlyMemory<byte> Body, IDisposable? Owner = null) : IDisposable
{
    /// <summary>When to retry; null leaves it to the status.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The result of the exchange, for the log.</summary>
    public XferNote? Note { get; init; }

    /// <summary>A status other than 200, with a sentence for the user.</summary>
    public static XferHttpReply Refusal(int status, string sentence) =>
        new(status, XferContentType.Uncompressed, System.Text.Encoding.UTF8.GetBytes(sentence + "\n"))
        {
            IsPlainText = true
        };

    /// <summary>The body is a sentence, not a message.</summary>
    public bool IsPlainText { get; private init; }

    public void Dispose() => Owner?.Dispose();
}

/// <summary>The result of one exchange, for the log.</summary>
/// <param name="Operation">Such as <c>clone</c>, <c>sync</c>.</param>
/// <param name="User">The login; null without one.</param>
/// <param name="Sent">Artifacts.</param>
/// <param name="Received">Artifacts.</param>
/// <param name="Unversioned">Unversioned files received; null: none.</param>
/// <param name="Error">The error sent to the client.</param>
public sealed record XferNote(
    string? Operation, string? User, long? Sent, long? Received, long? Unversioned, string? Error)
{
    /// <summary>For an exchange that failed before it did anything.</summary>
    public static XferNote OfError(string error) => new(null, null, null, null, null, error);
}

/// <summary>The result of one request.</summary>
public readonly record struct XferHttpLogEntry(
    string Method, string Path, int Status, long BytesIn, long BytesOut, TimeSpan Elapsed, IPAddress RemoteAddress,
    XferNote? Note,
    string? Fault);

/// <summary>The host of the server. Both methods may be called from several threads at once.</summary>
public interface IXferHost
{
    /// <summary>Handles the cards of a request. An exception becomes a 500 without detail.</summary>
    ValueTask<XferHttpReply> ExchangeAsync(XferHttpRequest request, CancellationToken cancellationToken);

    /// <summary>Called once per request, also for pages, after its reply.</summary>
    void Log(in XferHttpLogEntry entry);
}
