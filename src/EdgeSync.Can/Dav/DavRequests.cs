using System.Xml;

namespace EdgeSync.Can.Dav;

/// <summary>A property, by its namespace and name.</summary>
public readonly record struct DavProperty(string Space, string Name);

/// <summary>What a PROPFIND asks for.</summary>
/// <param name="Properties">Null: all, or with <paramref name="NamesOnly"/> their names.</param>
/// <param name="NamesOnly">Without values.</param>
public sealed record DavPropfind(IReadOnlyList<DavProperty>? Properties, bool NamesOnly);

/// <summary>What a LOCK asks for.</summary>
/// <param name="IsExclusive">No other lock beside it.</param>
/// <param name="Owner">The text of the owner.</param>
public sealed record DavLockRequest(bool IsExclusive, string Owner);

/// <summary>
/// Reads the XML of requests (RFC 4918 §14). A document type or an entity of its own is refused; depth and number of
/// elements are bounded, and the size by whom reads the body.
/// </summary>
public static class DavRequests
{
    public const string Space = "DAV:";

    /// <summary>Of a body.</summary>
    public const int BytesMax = 64 * 1024;

    private const int DepthMax = 32, PropertiesMax = 256, OwnerLengthMax = 1024;

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = BytesMax,
        MaxCharactersFromEntities = 1,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
    };

    /// <summary>An empty body asks for all.</summary>
    public static bool TryParsePropfind(byte[] body, out DavPropfind request)
    {
        ArgumentNullException.ThrowIfNull(body);
        request = new DavPropfind(null, false);
        if (body.Length == 0) return true;

        List<DavProperty>? properties = null;
        var (namesOnly, isKnown) = (false, false);
        var isRead = TryRead(body, "propfind", (depth, space, name, parent) =>
        {
            if (depth == 1 && space == Space)
            {
                if (name == "prop") properties = [];
                namesOnly |= name == "propname";
                isKnown |= name is "prop" or "propname" or "allprop";
            }
            else if (depth == 2 && parent == "prop" && properties is not null)
            {
                if (properties.Count == PropertiesMax) return false;
                properties.Add(new DavProperty(space, name));
            }

            return true;
        }, null);
        request = new DavPropfind(properties, namesOnly);
        return isRead && isKnown;
    }

    /// <summary>The properties that a PROPPATCH sets or removes.</summary>
    public static bool TryParseProppatch(byte[] body, out IReadOnlyList<DavProperty> properties)
    {
        ArgumentNullException.ThrowIfNull(body);
        var found = new List<DavProperty>();
        properties = found;
        return TryRead(body, "propertyupdate", (depth, space, name, parent) =>
        {
            if (depth != 3 || parent != "prop") return true;
            if (found.Count == PropertiesMax) return false;

            found.Add(new DavProperty(space, name));
            return true;
        }, null) && found.Count > 0;
    }

    public static bool TryParseLock(byte[] body, out DavLockRequest request)
    {
        ArgumentNullException.ThrowIfNull(body);
        var (isExclusive, isShared, isWrite) = (false, false, false);
        var owner = "";
        var isRead = TryRead(body, "lockinfo", (depth, space, name, parent) =>
        {
            if (depth == 2 && space == Space)
            {
                isExclusive |= parent == "lockscope" && name == "exclusive";
                isShared |= parent == "lockscope" && name == "shared";
                isWrite |= parent == "locktype" && name == "write";
            }

            return true;
        }, text =>
        {
            if (owner.Length < OwnerLengthMax) owner += text[..Math.Min(text.Length, OwnerLengthMax - owner.Length)];
        });
        request = new DavLockRequest(isExclusive, owner.Trim());
        return isRead && isWrite && isExclusive != isShared;
    }

    // Calls back for each element below the root: depth, namespace, name, and the name of its parent. False ends it.
    private static bool TryRead(
        byte[] body, string root, Func<int, string, string, string, bool> element, Action<string>? ownerText)
    {
        if (body.Length > BytesMax) return false;

        try
        {
            using var stream = new MemoryStream(body, writable: false);
            using var reader = XmlReader.Create(stream, Settings);
            var names = new List<string>();
            while (reader.Read())
            {
                if (reader.NodeType == XmlNodeType.Element)
                {
                    if (reader.Depth > DepthMax) return false;
                    if (reader.Depth == 0 && (reader.LocalName != root || reader.NamespaceURI != Space)) return false;

                    names.RemoveRange(reader.Depth, names.Count - reader.Depth);
                    names.Add(reader.LocalName);
                    if (reader.Depth > 0 && !element(
                        reader.Depth, reader.NamespaceURI, reader.LocalName, names[reader.Depth - 1])) return false;
                }
                else if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA && ownerText is not null
                    && names.Count > 1 && names[1] == "owner")
                {
                    ownerText(reader.Value);
                }
            }

            return names.Count > 0;
        }
        catch (XmlException)
        {
            return false;
        }
    }
}
