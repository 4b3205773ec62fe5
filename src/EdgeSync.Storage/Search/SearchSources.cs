using System.Globalization;
using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Names;

namespace EdgeSync.Storage.Search;

/// <summary>Something to index.</summary>
/// <param name="Area">What it is.</param>
/// <param name="Key">Its name in the area.</param>
/// <param name="Stamp">Another text when it has changed.</param>
/// <param name="Date">The Julian day of its last change, or null.</param>
/// <param name="Read">Its title and text, which are needed only when it has changed.</param>
internal sealed record SearchDocument(
    SearchAreas Area, string Key, string Stamp, double? Date, Func<(string Title, string Body)> Read);

/// <summary>Everything in a repository that is searched.</summary>
internal static class SearchSources
{
    // Larger files are data more often than text.
    private const int FileBytesMax = 4 << 20;

    private const int ThreadsMax = 1_000_000, VersionsMax = 100_000;

    public static IEnumerable<SearchDocument> Of(Repository repository) =>
        Files(repository).Concat(Comments(repository)).Concat(Pages(repository)).Concat(Tickets(repository))
            .Concat(Notes(repository)).Concat(Posts(repository));

    private static IEnumerable<SearchDocument> Files(Repository repository)
    {
        var branch = repository.Settings["main-branch"] ?? "trunk";
        if (repository.Names.TryResolve(branch, EventType.Checkin, out var checkin) != NameFault.None) yield break;

        foreach (var file in TreeFile.AllOf(CheckInTree.Load(repository, checkin)))
        {
            var rid = repository.Content.Find(file.Id);
            if (rid.IsNone || repository.Content.SizeOf(rid) is < 0 or > FileBytesMax) continue;

            yield return new SearchDocument(SearchAreas.Files, file.Name, file.Id.ToString(), null, () =>
                (file.Name, TextOf(repository, rid)));
        }
    }

    private static string TextOf(Repository repository, RecordId rid)
    {
        if (!repository.Content.IsAvailable(rid)) return "";

        using var content = repository.Content.Get(rid);
        return content.Span.Contains((byte)0) ? "" : Encoding.UTF8.GetString(content.Span);
    }

    private static List<SearchDocument> Comments(Repository repository)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT blob.uuid, coalesce(ecomment,comment), event.mtime, coalesce(euser,user)
              FROM event JOIN blob ON rid=objid WHERE type='ci'
            """);
        var documents = new List<SearchDocument>();
        while (select.Step())
        {
            var (text, user) = (select.Text(1) ?? "", select.Text(3) ?? "");
            documents.Add(new SearchDocument(
                SearchAreas.Comments, select.Text(0) ?? "", text, select.Double(2),
                () => (text.Split('\n')[0], $"{text}\n{user}")));
        }

        return documents;
    }

    private static IEnumerable<SearchDocument> Pages(Repository repository)
    {
        var pages = new WikiPages(repository);
        return pages.List().Select(page => new SearchDocument(
            SearchAreas.Wiki, page.Title, page.Id.ToString(), page.Date.JulianDay,
            () => (page.Title, Encoding.UTF8.GetString(pages.Find(page.Title)?.Body ?? []))));
    }

    private static IEnumerable<SearchDocument> Tickets(Repository repository)
    {
        if (!repository.Database.HasTable("ticket")) return [];

        var tickets = new Tickets(repository);
        return tickets.List().Select(ticket => new SearchDocument(
            SearchAreas.Tickets, ticket.TicketId,
            ticket.ChangedAt.JulianDay.ToString("R", CultureInfo.InvariantCulture), ticket.ChangedAt.JulianDay,
            () => (ticket.Title ?? "", TextOf(tickets.Read(ticket.TicketId)))));
    }

    // Mail addresses are hashes here, and no words.
    private static string TextOf(IReadOnlyDictionary<string, string?>? fields) => string.Join(
        '\n',
        (fields ?? new Dictionary<string, string?>()).Where(
            f => !f.Key.StartsWith("tkt_", StringComparison.Ordinal)
                && !f.Key.StartsWith("private_", StringComparison.Ordinal)).Select(f => f.Value ?? ""));

    // A post is found as it is now, under its first version.
    private static IEnumerable<SearchDocument> Posts(Repository repository)
    {
        var forum = new ForumPosts(repository);
        foreach (var thread in forum.List(ThreadsMax, includesPrivate: true))
        {
            foreach (var post in forum.Thread(thread.Root, VersionsMax, includesPrivate: true))
            {
                if (!repository.Content.IsAvailable(post.Newest)) continue;

                yield return new SearchDocument(
                    SearchAreas.Forum, repository.Content.NameOf(post.First).ToString(),
                    repository.Content.NameOf(post.Newest).ToString(), post.At.JulianDay, () => TextOf(post.Newest));
            }

            (string, string) TextOf(RecordId rid)
            {
                var post = forum.Read(rid);
                return (
                    post.Title is { Length: > 0 } title ? title : thread.Title,
                    $"{Encoding.UTF8.GetString(post.Body)}\n{post.User}");
            }
        }
    }

    private static IEnumerable<SearchDocument> Notes(Repository repository) =>
        new Technotes(repository).List().Select(note => new SearchDocument(
            SearchAreas.Technotes, note.TechnoteId, note.Id.ToString(), note.About.JulianDay,
            () => (note.Comment, Encoding.UTF8.GetString(note.Body))));
}
