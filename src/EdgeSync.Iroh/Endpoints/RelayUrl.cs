using System.Diagnostics.CodeAnalysis;

namespace EdgeSync.Iroh.Endpoints;

/// <summary>The address of a relay, in its normal form: <c>http://h:1</c> is <c>http://h:1/</c>.</summary>
public sealed record RelayUrl
{
    private const int LengthMax = 2048;

    private readonly Uri _uri;

    private RelayUrl(Uri uri) => (_uri, Text) = (uri, uri.AbsoluteUri);

    public string Text { get; }

    /// <summary>With <c>http</c> and <c>ws</c> the relay is not inside TLS.</summary>
    public bool IsTls => _uri.Scheme is "https" or "wss";

    public string Host => _uri.IdnHost;

    public int Port => _uri.Port is var port and >= 0 ? port : IsTls ? 443 : 80;

    /// <summary>False for what is not http, https, ws or wss with a host.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out RelayUrl? url)
    {
        url = null;
        if (text is null || text.Length > LengthMax || !Uri.TryCreate(text, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https" or "ws" or "wss") || uri.Host.Length == 0) return false;

        url = new RelayUrl(uri);
        return true;
    }

    /// <summary>An endpoint of the relay's web server.</summary>
    /// <param name="path">Such as <c>/ping</c>.</param>
    /// <param name="isWebSocket">With the scheme of a WebSocket.</param>
    public Uri At(string path, bool isWebSocket = false) =>
        new UriBuilder((isWebSocket, IsTls) switch
        {
            (true, true) => "wss",
            (true, false) => "ws",
            (false, true) => "https",
            (false, false) => "http",
        }, Host, Port, path).Uri;

    public bool Equals(RelayUrl? other) => other is not null && Text == other.Text;

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Text);

    public override string ToString() => Text;
}
