using System.Diagnostics.CodeAnalysis;

namespace EdgeSync.Node.Settings;

/// <summary>The kind of connection to a server.</summary>
internal enum NatsLinkKind
{
    /// <summary>Our broker joins it as a leafnode: port 7422 by default.</summary>
    Leafnode,

    /// <summary>We are a client of it: port 4222 by default.</summary>
    Client,
}

/// <summary>
/// The address of a NATS server, and which of its two ports it means. The original gave the client port to its leafnode
/// link, which could never connect: so the scheme decides, and without one the port.
/// </summary>
/// <param name="Why">The reason as a sentence, for the log.</param>
internal sealed record NatsAddress(NatsLinkKind Kind, Uri Url, string Why)
{
    public const int ClientPortDefault = 4222;
    public const int LeafPortDefault = 7422;

    /// <summary>Without secrets.</summary>
    public override string ToString() => Secrets.RedactUrls(Url.OriginalString);

    /// <summary>
    /// In the form of leafnode links and nats-server: <c>tls-leaf</c>, <c>ws-leaf</c> and <c>wss-leaf</c> are schemes
    /// of ours.
    /// </summary>
    public string LeafUrl =>
        Url.Scheme.IndexOf("-leaf", StringComparison.Ordinal) is var at and > 0 && Url.Scheme != "nats-leaf"
        ? Url.Scheme[..at] + Url.OriginalString[Url.Scheme.Length..]
        : Url.OriginalString;

    public static bool TryParse(
        string text, [NotNullWhen(true)] out NatsAddress? address, [NotNullWhen(false)] out string? fault)
    {
        (address, fault) = (null, null);
        var full = text.Contains("://", StringComparison.Ordinal) ? text : "nats://" + text;
        if (!Uri.TryCreate(full.Trim(), UriKind.Absolute, out var uri) || uri.Host.Length == 0)
        {
            fault = $"'{Secrets.RedactUrls(text)}' is not an address: nats-leaf://host:7422 or nats://host:4222";
            return false;
        }

        switch (uri.Scheme)
        {
            case "nats-leaf" or "tls-leaf":
                address = new NatsAddress(
                    NatsLinkKind.Leafnode, WithPort(uri, LeafPortDefault), $"{uri.Scheme}:// is a leafnode link");
                return true;
            case "ws-leaf" or "wss-leaf":
                address = new NatsAddress(
                    NatsLinkKind.Leafnode, WithPort(uri, uri.Scheme == "ws-leaf" ? 80 : 443),
                    $"{uri.Scheme}:// is a leafnode link inside WebSocket");
                return true;
            case "ws" or "wss" when uri.AbsolutePath == "/leafnode":
                address = new NatsAddress(
                    NatsLinkKind.Leafnode, WithPort(uri, uri.Scheme == "ws" ? 80 : 443),
                    "/leafnode is where servers take leafnode links inside WebSocket");
                return true;
            case "ws" or "wss":
                address = new NatsAddress(
                    NatsLinkKind.Client, WithPort(uri, uri.Scheme == "ws" ? 80 : 443),
                    $"{uri.Scheme}:// is a client connection");
                return true;
            case "nats" or "tls" when uri.Port == LeafPortDefault:
                address = new NatsAddress(
                    NatsLinkKind.Leafnode, uri, $"port {LeafPortDefault} is the leafnode port of NATS servers");
                return true;
            case "nats" or "tls":
                address = new NatsAddress(
                    NatsLinkKind.Client, WithPort(uri, ClientPortDefault),
                    $"{uri.Scheme}:// is a client connection (nats-leaf:// would join the brokers)");
                return true;
            default:
                fault = $"'{uri.Scheme}' is not a NATS scheme: nats-leaf, tls-leaf, ws-leaf, wss-leaf, nats, tls, ws "
                    + $"or wss";
                return false;
        }
    }

    private static Uri WithPort(Uri uri, int otherwise) =>
        uri.Port > 0 ? uri : new UriBuilder(uri) { Port = otherwise }.Uri;
}
