using System.Globalization;
using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Dav;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can.Dav;

/// <summary>
/// A reply 207 under construction, one response for each resource. It is sent in pieces, whatever its size.
/// </summary>
internal sealed class DavAnswer(HttpContext context, DavLocks locks, Func<EdgeSync.Primitives.Instant> now)
{
    private const int FlushChars = 32 * 1024;

    private const string LockEntries =
        "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
            + "<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>";

    // In the order of the answer.
    private static readonly string[] FolderNames =
        ["resourcetype", "displayname", "quota-available-bytes", "quota-used-bytes", "supportedlock", "lockdiscovery"];

    private static readonly string[] FileNames =
    [
        "resourcetype", "displayname", "getcontentlength", "getcontenttype", "getetag", "getlastmodified",
        "creationdate", "supportedlock", "lockdiscovery",
    ];

    private readonly StringBuilder _text = new(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\n");

    /// <summary>Bytes that the disk has free beside its reserve, and those that assets take.</summary>
    public (long Free, long Used) Quota { get; init; }

    public static string TagOf(Asset asset) => $"\"{asset.Hash}\"";

    /// <summary>Text for XML: what XML cannot hold becomes a replacement character.</summary>
    public static string Xml(string text)
    {
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '<': escaped.Append("&lt;"); break;
                case '>': escaped.Append("&gt;"); break;
                case '&': escaped.Append("&amp;"); break;
                case '"': escaped.Append("&quot;"); break;
                case < ' ' and not ('\t' or '\n') or 0xfffe or 0xffff: escaped.Append('\ufffd'); break;
                default: escaped.Append(rune); break;
            }
        }

        return escaped.ToString();
    }

    /// <summary>The locks of a path, as the property shows them.</summary>
    public static string LocksOf(IEnumerable<DavLock> locks)
    {
        var text = new StringBuilder();
        foreach (var held in locks)
        {
            text.Append("<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope>")
                .Append(held.IsExclusive ? "<D:exclusive/>" : "<D:shared/>").Append("</D:lockscope><D:depth>")
                .Append(held.IsDeep ? "infinity" : "0").Append("</D:depth>");
            if (held.Owner.Length > 0) text.Append("<D:owner>").Append(Xml(held.Owner)).Append("</D:owner>");
            text.Append(CultureInfo.InvariantCulture, $"<D:timeout>Second-{(long)held.Timeout.TotalSeconds}")
                .Append("</D:timeout><D:locktoken><D:href>").Append(held.Token)
                .Append("</D:href></D:locktoken><D:lockroot><D:href>").Append(Xml(held.Path))
                .Append("</D:href></D:lockroot></D:activelock>");
        }

        return text.ToString();
    }

    /// <summary>Adds a resource.</summary>
    /// <param name="place">Where it is.</param>
    /// <param name="asset">Of a file.</param>
    /// <param name="request">What is asked for.</param>
    public void Add(DavPlace place, Asset? asset, DavPropfind request)
    {
        _text.Append("<D:response><D:href>").Append(Xml(place.Path)).Append("</D:href>");
        var names = asset is null ? FolderNames : FileNames;
        if (request.NamesOnly)
        {
            _text.Append("<D:propstat><D:prop>");
            foreach (var name in names) _text.Append("<D:").Append(name).Append("/>");
            _text.Append("</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n");
            return;
        }

        var missing = new List<DavProperty>();
        var has = false;
        foreach (var property in request.Properties
            ?? [.. names.Select(n => new DavProperty(DavRequests.Space, n))])
        {
            if (property.Space != DavRequests.Space || !names.Contains(property.Name))
            {
                missing.Add(property);
                continue;
            }

            if (!has) _text.Append("<D:propstat><D:prop>");
            has = true;
            _text.Append("<D:").Append(property.Name).Append('>').Append(ValueOf(property.Name, place, asset))
                .Append("</D:").Append(property.Name).Append('>');
        }

        if (has || missing.Count == 0)
        {
            if (!has) _text.Append("<D:propstat><D:prop>");
            _text.Append("</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>");
        }

        if (missing.Count > 0) AppendOthers(missing, "404 Not Found");
        _text.Append("</D:response>\n");
    }

    /// <summary>Adds a resource none of whose properties can be set.</summary>
    public void Refuse(DavPlace place, IReadOnlyList<DavProperty> properties)
    {
        _text.Append("<D:response><D:href>").Append(Xml(place.Path)).Append("</D:href>");
        AppendOthers(properties, "403 Forbidden");
        _text.Append("</D:response>\n");
    }

    /// <summary>Sends what has gathered.</summary>
    public async Task SendAsync(bool isLast)
    {
        if (isLast) _text.Append("</D:multistatus>\n");
        else if (_text.Length < FlushChars) return;

        if (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status207MultiStatus;
            context.Response.ContentType = "application/xml; charset=utf-8";
        }

        var bytes = Encoding.UTF8.GetBytes(_text.ToString());
        _text.Clear();
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private void AppendOthers(IReadOnlyList<DavProperty> properties, string status)
    {
        _text.Append("<D:propstat><D:prop>");
        foreach (var property in properties)
        {
            // Names come from a parser of XML, so they are names; the namespace is a text.
            _text.Append('<').Append(property.Name).Append(" xmlns=\"").Append(Xml(property.Space)).Append("\"/>");
        }

        _text.Append("</D:prop><D:status>HTTP/1.1 ").Append(status).Append("</D:status></D:propstat>");
    }

    private string ValueOf(string name, DavPlace place, Asset? asset) => name switch
    {
        "resourcetype" => asset is null ? "<D:collection/>" : "",
        "displayname" => Xml(place.DisplayName),
        "getcontentlength" => asset!.Size.ToString(CultureInfo.InvariantCulture),
        "getcontenttype" => Xml(asset!.Details.MimeType),
        "getetag" => Xml(TagOf(asset!)),
        "getlastmodified" => MomentOf(asset!).ToString("R", CultureInfo.InvariantCulture),
        "creationdate" => MomentOf(asset!).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        "quota-available-bytes" => Quota.Free.ToString(CultureInfo.InvariantCulture),
        "quota-used-bytes" => Quota.Used.ToString(CultureInfo.InvariantCulture),
        "supportedlock" => LockEntries,
        _ => LocksOf(locks.Of(place.Path, now())),
    };

    private static DateTimeOffset MomentOf(Asset asset) => DateTimeOffset.FromUnixTimeMilliseconds(asset.TimestampMs);
}
