using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Discovery;

/// <summary>
/// What an endpoint publishes of itself, as texts: <c>relay=URL</c>, <c>addr=IP:PORT</c> (one for each address),
/// <c>user-data=TEXT</c>, in this order.
/// </summary>
/// <param name="Address">The endpoint and the ways to it.</param>
/// <param name="UserData">Of the application; null: none.</param>
public sealed record EndpointInfo(EndpointAddress Address, string? UserData = null)
{
    /// <summary>Bytes of <see cref="UserData"/> in UTF-8 at most.</summary>
    public const int UserDataBytesMax = 245;

    private const string Relay = "relay=";
    private const string Direct = "addr=";
    private const string User = "user-data=";
    private const int TextBytesMax = 255;

    /// <summary>The same without addresses of this machine: what may be published beyond the LAN.</summary>
    public EndpointInfo WithoutAddresses() => this with { Address = new EndpointAddress(Address.Id, Address.Relays) };

    /// <summary>The texts; one that no TXT record holds (255 bytes) is left out.</summary>
    public IReadOnlyList<string> ToTexts()
    {
        IEnumerable<string> texts =
            [.. Address.Relays.Select(r => Relay + r.Text), .. Address.Direct.Select(d => Direct + d)];
        if (UserData is not null) texts = texts.Append(User + UserData);
        return [.. texts.Where(t => Encoding.UTF8.GetByteCount(t) <= TextBytesMax)];
    }

    /// <summary>Texts of newer versions, and those that are malformed, are skipped.</summary>
    public static EndpointInfo FromTexts(EndpointId id, IEnumerable<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var (relays, direct, user) = (new List<RelayUrl>(), new List<UdpAddress>(), (string?)null);
        foreach (var text in texts)
        {
            if (TryTake(text, Relay, out var value) && RelayUrl.TryParse(value, out var relay)) relays.Add(relay);
            else if (TryTake(text, Direct, out value) && TryParseAddress(value, out var address)) direct.Add(address);
            else if (TryTake(text, User, out value) && Encoding.UTF8.GetByteCount(value) <= UserDataBytesMax)
                user = value;
        }

        return new EndpointInfo(new EndpointAddress(id, relays, direct), user);
    }

    private static bool TryTake(string text, string key, [NotNullWhen(true)] out string? value)
    {
        value = text.StartsWith(key, StringComparison.Ordinal) ? text[key.Length..] : null;
        return value is not null;
    }

    private static bool TryParseAddress(string text, out UdpAddress address)
    {
        address = default;
        // The port is required: without one the parser takes all of an IPv6 address for the host.
        if (!IPEndPoint.TryParse(text, out var endpoint) || endpoint.Port == 0) return false;

        address = UdpAddress.From(endpoint.Address, endpoint.Port);
        return true;
    }
}
