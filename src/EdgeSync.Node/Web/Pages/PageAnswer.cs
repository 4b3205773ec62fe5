using System.Security.Cryptography;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A response of a page, made on a reader's thread and sent on another.</summary>
/// <param name="Status">Of HTTP.</param>
/// <param name="ContentType">With its charset.</param>
/// <param name="Body">All of it.</param>
internal sealed record PageAnswer(int Status, string ContentType, byte[] Body)
{
    private string? _tag;

    /// <summary>Another text for another body.</summary>
    // Threads that make it at once make the same.
    public string Tag => _tag ??= $"\"{Convert.ToHexStringLower(SHA256.HashData(Body).AsSpan(0, 12))}\"";

    /// <summary>Never changes under this address: it is named by its content.</summary>
    public bool IsImmutable { get; init; }

    /// <summary>The name under which a browser saves it; null: it is shown.</summary>
    public string? FileName { get; init; }

    /// <summary>A page that keeps itself current, by the script of the program.</summary>
    public bool IsLive { get; init; }

    /// <summary>Nothing keeps a copy of it.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The browser asks again after a second: what is shown is being made.</summary>
    public bool ComesAgain { get; init; }

    /// <summary>Where to go instead.</summary>
    public string? Location { get; init; }
}

/// <summary>What a page shows, before it is HTML or JSON.</summary>
internal interface IPageModel
{
    /// <summary>In the title, and as the heading.</summary>
    string Title { get; }

    void Write(HtmlPage html, PageLinks links);
}

/// <summary>A page that keeps itself current while it is seen.</summary>
internal interface ILivePage : IPageModel
{
    /// <summary>The stream that says when it has changed; null: it does not.</summary>
    string? LivePath(PageLinks links);
}

/// <summary>The addresses of the pages of one repository, as Fossil has them.</summary>
/// <param name="Base">Empty, or a slash and the name of the repository; null for pages of the node.</param>
internal readonly record struct PageLinks(string Base)
{
    /// <summary>False for the pages of the node.</summary>
    public bool IsOfRepository => Base is not null;

    /// <summary>Those of the pages of messages, which have none of the others.</summary>
    public bool IsOfMessages { get; init; }

    public string Live => $"{Base}/live";

    public string Timeline => $"{Base}/timeline";

    public string Info(string hash) => $"{Base}/info/{hash}";

    public string Branch(string name) => $"{Base}/timeline?r={Uri.EscapeDataString(name)}";

    public string Folder(string checkin, string path) =>
        $"{Base}/dir?ci={checkin}{(path.Length > 0 ? "&name=" + Uri.EscapeDataString(path) : "")}";

    public string File(string checkin, string path) => $"{Base}/file?ci={checkin}&name={Uri.EscapeDataString(path)}";

    public string History(string path) => $"{Base}/finfo?name={Uri.EscapeDataString(path)}";

    public string Annotate(string checkin, string path) =>
        $"{Base}/annotate?checkin={checkin}&filename={Uri.EscapeDataString(path)}";

    public string Raw(string hash, string path) =>
        $"{Base}/raw/{hash}?at={Uri.EscapeDataString(path[(path.LastIndexOf('/') + 1)..])}";

    public string Wiki(string name) => $"{Base}/wiki?name={Uri.EscapeDataString(name)}";

    public string WikiHistory(string name) => $"{Base}/whistory?name={Uri.EscapeDataString(name)}";

    public string WikiVersion(string name, string hash) => $"{Wiki(name)}&id={hash}";

    public string WikiSource(string name, string hash) => $"{WikiVersion(name, hash)}&raw=1";

    public string Technote(string id) => $"{Base}/technote/{id}";

    public string Ticket(string id) => $"{Base}/tktview/{id}";

    public string Report(long number) => $"{Base}/rptview?rn={number}";

    public string ForumPost(string hash) => $"{Base}/forumpost/{hash}";

    public string Users => $"{Base}/setup_ulist";

    /// <param name="id">0: a new one.</param>
    public string User(long id) => id == 0 ? $"{Base}/setup_uedit" : $"{Base}/setup_uedit?id={id}";

    public string Settings => $"{Base}/setup_settings";

    /// <summary>A thread of messages.</summary>
    public string Thread(string project, string thread) =>
        $"{Base}/messages/{thread}?project={Uri.EscapeDataString(project)}";

    /// <summary>A thread with a form that replies to one of its messages.</summary>
    public string ReplyTo(string project, string thread, string message) => $"{Thread(project, thread)}&to={message}";

    /// <summary>A file that goes with a message.</summary>
    public string Media(string project, string name) =>
        $"{Base}/media/{Uri.EscapeDataString(project)}/{Uri.EscapeDataString(name)}";

    public string Unversioned(string name) =>
        $"{Base}/uv/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}";

    public string Zip(string checkin) => $"{Base}/zip/{checkin}.zip";

    public string Tarball(string checkin) => $"{Base}/tarball/{checkin}.tar.gz";
}
