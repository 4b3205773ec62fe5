using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Http;

/// <summary>A reply that is still arriving. Disposing it early closes its connection.</summary>
public sealed partial class XferHttpResponse : IDisposable
{
    private const int ExcerptCharactersMax = 300;

    private readonly HttpResponseMessage _response;
    private readonly Stream _body;
    private readonly TimeSpan _silenceMax;
    private readonly TimeProvider _clock;

    private XferHttpResponse(
        HttpResponseMessage response, Stream body, XferContentType type, Uri address, bool isMovedForGood,
        TimeSpan silenceMax, TimeProvider clock)
    {
        _response = response;
        _body = body;
        ContentType = type;
        Address = address;
        IsMovedForGood = isMovedForGood;
        _silenceMax = silenceMax;
        _clock = clock;
    }

    public XferContentType ContentType { get; }

    /// <summary>As announced; null when the peer did not announce it.</summary>
    public long? Length => _response.Content.Headers.ContentLength;

    /// <summary>The address of the reply, after redirects.</summary>
    public Uri Address { get; }

    /// <summary>Every redirect on the way was permanent: use <see cref="Address"/> from now on.</summary>
    public bool IsMovedForGood { get; }

    /// <summary>Bytes of the body so far.</summary>
    public long BytesRead { get; private set; }

    internal static async Task<XferHttpResponse> OpenAsync(
        HttpResponseMessage response, Uri address, bool isMovedForGood, TimeSpan silenceMax, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        if (!XferContentTypes.TryParse(response.Content.Headers.ContentType?.ToString(), out var type))
        {
            using (response)
            {
                var text = await ReadExcerptAsync(response, cancellationToken);
                throw new EdgeSyncException(
                    ErrorKind.Protocol, $"{address} answers, but not as a Fossil server: {text}",
                    "is this the address of a Fossil repository?");
            }
        }

        var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        return new XferHttpResponse(response, body, type, address, isMovedForGood, silenceMax, clock);
    }

    /// <summary>The next piece; 0 at the end. A body that ends before its announced length is a failure.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(_silenceMax, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            var read = await _body.ReadAsync(target, either.Token);
            BytesRead += read;
            return read;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable,
                $"{Address} fell silent for {_silenceMax.TotalSeconds:F0} s in the middle of a reply", "try again", e);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"the reply of {Address} broke off after {BytesRead} bytes: {e.Message}",
                "try again", e);
        }
    }

    public void Dispose()
    {
        _body.Dispose();
        _response.Dispose();
    }

    /// <summary>The start of a page as one line of plain text, for an error message.</summary>
    internal static async Task<string> ReadExcerptAsync(
        HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var bytes = new byte[8192];
            var length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
            return WithoutTags(NotProse().Replace(Encoding.UTF8.GetString(bytes, 0, length), " "));
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return "";
        }
    }

    /// <summary>Scripts and styles of a page are omitted; one that is cut off runs to the end.</summary>
    [GeneratedRegex("<(script|style|head)\\b.*?(</\\1>|$)", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex NotProse();

    internal static string WithoutTags(string page)
    {
        var text = new StringBuilder();
        var isTag = false;
        foreach (var c in page)
        {
            if (c == '<') isTag = true;
            if (!isTag)
            {
                // Control characters of a server do not reach the terminal.
                var isBlank = char.IsWhiteSpace(c) || char.IsControl(c);
                if (!isBlank) text.Append(c);
                else if (text.Length > 0 && text[^1] != ' ') text.Append(' ');
            }

            if (c == '>') isTag = false;
            if (text.Length >= ExcerptCharactersMax) return text.Append('…').ToString();
        }

        return text.ToString().Trim();
    }
}
