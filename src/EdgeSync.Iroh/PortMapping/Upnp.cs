using System.Globalization;
using System.Net;
using System.Text;
using System.Xml;

namespace EdgeSync.Iroh.PortMapping;

/// <summary>
/// The texts of UPnP's internet gateway devices: the search by SSDP, the description, and the calls. Spec: UPnP Device
/// Architecture 1.1, WANIPConnection:2. Everything that a device sends is untrusted.
/// </summary>
public static class Upnp
{
    /// <summary>Bytes of a description or an answer at most.</summary>
    public const int DocumentBytesMax = 256 * 1024;

    /// <summary>The port is mapped to another machine.</summary>
    public const int ConflictError = 718;

    /// <summary>The device grants no lease that ends.</summary>
    public const int PermanentOnlyError = 725;

    private const int DepthMax = 32;

    private static readonly string[] Services =
    [
        "urn:schemas-upnp-org:service:WANIPConnection:2", "urn:schemas-upnp-org:service:WANIPConnection:1",
        "urn:schemas-upnp-org:service:WANPPPConnection:1",
    ];

    /// <summary>Where searches go.</summary>
    public static IPEndPoint Multicast { get; } = new(IPAddress.Parse("239.255.255.250"), 1900);

    /// <summary>The search for gateways.</summary>
    public static byte[] Search() => Encoding.ASCII.GetBytes(
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
        + "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n");

    /// <summary>Where the description of a device is; null when the answer says nothing of it.</summary>
    /// <param name="from">The sender: a description elsewhere is not read.</param>
    public static Uri? LocationOf(ReadOnlySpan<byte> answer, IPAddress from)
    {
        const string Name = "LOCATION:";
        var lines = Encoding.UTF8.GetString(answer).Split("\r\n");
        if (!lines[0].StartsWith("HTTP/1.1 200", StringComparison.Ordinal)) return null;
        var text = lines.FirstOrDefault(l => l.StartsWith(Name, StringComparison.OrdinalIgnoreCase))?[Name.Length..];
        return Uri.TryCreate(text?.Trim(), UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp
            && IPAddress.TryParse(url.Host, out var host) && host.Equals(from)
                ? url
                : null;
    }

    /// <summary>The service of a description that maps ports, and where it is called; null: none.</summary>
    public static (string Service, Uri Control)? ServiceOf(string description, Uri location)
    {
        var found = new Dictionary<string, string>();
        string? type = null;
        var isRead = TryRead(description, (name, value) =>
        {
            if (name == "serviceType") type = value.Trim();
            else if (name == "controlURL" && type is not null) found.TryAdd(type, value.Trim());
        });
        if (!isRead) return null;
        foreach (var service in Services)
        {
            if (found.TryGetValue(service, out var path) && Uri.TryCreate(location, path, out var control)
                && control.Scheme == Uri.UriSchemeHttp && control.Host == location.Host) return (service, control);
        }

        return null;
    }

    /// <summary>The body of a call that maps a UDP port.</summary>
    /// <param name="leaseSeconds">0: until it is unmapped.</param>
    public static string MapCall(
        string service, ushort external, IPAddress client, ushort internalPort, uint leaseSeconds)
    {
        ArgumentNullException.ThrowIfNull(client);
        return Call(
            service, MapAction,
            ("NewRemoteHost", ""), ("NewExternalPort", Number(external)), ("NewProtocol", "UDP"),
            ("NewInternalPort", Number(internalPort)), ("NewInternalClient", client.ToString()), ("NewEnabled", "1"),
            ("NewPortMappingDescription", "edgesync"), ("NewLeaseDuration", Number(leaseSeconds)));
    }

    public static string UnmapCall(string service, ushort external) => Call(
        service, UnmapAction,
        ("NewRemoteHost", ""), ("NewExternalPort", Number(external)), ("NewProtocol", "UDP"));

    public static string AddressCall(string service) => Call(service, AddressAction);

    public const string MapAction = "AddPortMapping";
    public const string UnmapAction = "DeletePortMapping";
    public const string AddressAction = "GetExternalIPAddress";

    /// <summary>The external address of an answer; null when it has none.</summary>
    public static IPAddress? AddressOf(string answer)
    {
        string? text = null;
        var isRead = TryRead(answer, (name, value) =>
        {
            if (name == "NewExternalIPAddress") text ??= value.Trim();
        });
        return isRead && IPAddress.TryParse(text, out var address) && !address.Equals(IPAddress.Any) ? address : null;
    }

    /// <summary>The code of a refusal; 0 when there is none.</summary>
    public static int ErrorOf(string answer)
    {
        var code = 0;
        TryRead(answer, (name, value) =>
        {
            if (name == "errorCode")
                _ = int.TryParse(value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out code);
        });
        return code;
    }

    private static string Number(uint value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Call(string service, string action, params (string Name, string Value)[] arguments)
    {
        var text = new StringBuilder();
        text.Append("<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"")
            .Append(" s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:").Append(action)
            .Append(" xmlns:u=\"").Append(service).Append("\">");
        foreach (var (name, value) in arguments)
            text.Append('<').Append(name).Append('>').Append(value).Append("</").Append(name).Append('>');
        return text.Append("</u:").Append(action).Append("></s:Body></s:Envelope>\r\n").ToString();
    }

    /// <summary>Reads the elements that hold text alone; false when it is not XML, or nested too deeply.</summary>
    private static bool TryRead(string document, Action<string, string> element)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = DocumentBytesMax,
            IgnoreWhitespace = true,
            IgnoreComments = true,
        };
        try
        {
            using var reader = XmlReader.Create(new StringReader(document), settings);
            var name = "";
            while (reader.Read())
            {
                if (reader.Depth > DepthMax) return false;
                if (reader.NodeType == XmlNodeType.Element) name = reader.LocalName;
                else if (reader.NodeType == XmlNodeType.Text) element(name, reader.Value);
            }

            return true;
        }
        catch (XmlException)
        {
            return false;
        }
    }
}
