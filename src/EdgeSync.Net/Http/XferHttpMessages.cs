using System.Net;

namespace EdgeSync.Net.Http;

/// <summary>
/// One POST of cards, its body read whole and within the limit. The body is good until the reply is given.
/// </summary>
public sealed record XferHttpRequest(
    string Path, XferContentType ContentType, ReadOnlyMemory<byte> Body, IPAddress RemoteAddress)
{
    /// <summary>
    /// Where the client thinks that it is talking to, such as <c>localhost:8080</c>; empty if it did not say.
    /// </summary>
    public string Host { get; init; } = "";

    public bool IsHttps { get; init; }

    /// <summary>
    /// The cookies as they came, <c>NAME=VALUE; …</c>: newer clients log in by one. Empty if there are none.
    /// </summary>
    public string Cookies { get; init; } = "";

    /// <summary>Where the host takes the room for the unpacked message from; null: nobody counts.</summary>
    public ByteShare? Memory { get; init; }
}

/// <summary>The answer to a POST. <paramref name="Owner"/> is disposed once the body has been sent.</summary>
public sealed record XferHttpReply(
    int Status, XferContentType ContentType, ReadOnlyMemory<byte> Body, IDisposable? Owner = null) : IDisposable
{
    /// <summary>When to ask again; null leaves it to the status.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the exchange did, for the log.</summary>
    public XferNote? Note { get; init; }

    /// <summary>A status other than 200, with a sentence for the person at the other end.</summary>
    public static XferHttpReply Refusal(int status, string sentence) =>
        new(status, XferContentType.Uncompressed, System.Text.Encoding.UTF8.GetBytes(sentence + "\n"))
        {
            IsPlainText = true
        };

    internal bool IsPlainText { get; private init; }

    public void Dispose() => Owner?.Dispose();
}

/// <summary>What one exchange did, for the log.</summary>
/// <param name="Operation">Such as <c>clone</c>, <c>sync</c>.</param>
/// <param name="User">Whose login it was; nobody's without one.</param>
/// <param name="Sent">Artifacts.</param>
/// <param name="Received">Artifacts.</param>
/// <param name="Unversioned">Unversioned files that came; null: none.</param>
/// <param name="Error">What the client was told.</param>
public sealed record XferNote(
    string? Operation, string? User, long? Sent, long? Received, long? Unversioned, string? Error)
{
    /// <summary>Of an exchange that failed before it did anything.</summary>
    public static XferNote OfError(string error) => new(null, null, null, null, null, error);
}

/// <summary>What one request came to.</summary>
public readonly record struct XferHttpLogEntry(
    string Method, string Path, int Status, long BytesIn, long BytesOut, TimeSpan Elapsed, IPAddress RemoteAddress,
    XferNote? Note,
    string? Fault);

/// <summary>What the server asks of its host. Both may be called at the same time from several threads.</summary>
public interface IXferHost
{
    /// <summary>Answers cards with cards. An exception becomes a 500 with no detail.</summary>
    ValueTask<XferHttpReply> ExchangeAsync(XferHttpRequest request, CancellationToken cancellationToken);

    /// <summary>Called once a request, of pages too, after its answer.</summary>
    void Log(in XferHttpLogEntry entry);
}
