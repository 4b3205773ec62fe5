using System.Text;
using System.Text.Json.Serialization;
using EdgeSync.Node.Web.Pages.Markup;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A thread in the list.</summary>
internal sealed record ThreadRow(string Hash, string Title, string User, string Date, long Posts);

/// <summary>The threads of the forum, those with the newest posts first.</summary>
internal sealed record ForumView(IReadOnlyList<ThreadRow> Threads) : IPageModel
{
    private const int ThreadsMax = 200;

    [JsonIgnore]
    public string Title => "Forum";

    public static ForumView Of(Repository repository, PageVisitor visitor) => new(
        [.. new ForumPosts(repository).List(ThreadsMax, visitor.Capabilities.MaySyncPrivate)
            .Select(t => new ThreadRow(t.Id.ToString(), t.Title, t.User, t.LastAt.ToString(), t.PostCount))]);

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Threads.Count == 0)
        {
            html.Add($"<p>No posts yet.</p>\n");
            return;
        }

        html.Add($"<table class=\"timeline\">\n");
        foreach (var thread in Threads)
        {
            html.Add($"<tr><td class=\"when\"><time datetime=\"{thread.Date}\">");
            html.Add($"{DisplayText.Minute(thread.Date)}</time></td><td><a href=\"{links.ForumPost(thread.Hash)}\">");
            html.Add($"{(thread.Title.Length > 0 ? thread.Title : "(no title)")}</a></td>");
            html.Add($"<td class=\"who\">{thread.User}</td><td>{thread.Posts} posts</td></tr>\n");
        }

        html.Add($"</table>\n");
    }
}

/// <summary>A post as it is now.</summary>
/// <param name="Hash">Of its first version: replies and links name it.</param>
/// <param name="EditedAs">The version that is shown; null where it is the first.</param>
/// <param name="ReplyTo">The post that it replies to.</param>
/// <param name="Text">As it is written; null where it is left out.</param>
internal sealed record PostRow(
    string Hash, string? EditedAs, string? ReplyTo, string Date, string User, string? Mimetype, string? Text)
{
    internal PageMarkup? Markup { get; init; }
}

/// <summary>A thread of the forum, the oldest post first.</summary>
internal sealed record ThreadView(string Name, IReadOnlyList<PostRow> Posts, bool IsWhole) : IPageModel
{
    private const int VersionsMax = 500;

    [JsonIgnore]
    public string Title => Name;

    public static ThreadView Of(Repository repository, PageQuery query, PageVisitor visitor, PageLinks links)
    {
        var name = query["name"] ?? query.Name;
        var forum = new ForumPosts(repository);
        var root = forum.RootOf(visitor.Artifact(repository, name));
        if (root.IsNone || !visitor.Sees(repository, root))
            throw new EdgeSyncException(ErrorKind.NotFound, $"no forum post '{name}'", "see the list of threads");

        var versions = forum.Thread(root, VersionsMax + 1, visitor.Capabilities.MaySyncPrivate);
        var budget = new PageBudget();
        string? title = null;
        var posts = new List<PostRow>();
        foreach (var post in versions.Take(VersionsMax))
        {
            if (!repository.Content.IsAvailable(post.Newest)) continue;

            var isRead = budget.TryRead(repository.Content.SizeOf(post.Newest));
            var read = isRead ? forum.Read(post.Newest) : null;
            title ??= read?.Title;
            posts.Add(new PostRow(
                repository.Content.NameOf(post.First).ToString(),
                post.Newest == post.First ? null : repository.Content.NameOf(post.Newest).ToString(),
                post.InReplyTo.IsNone ? null : repository.Content.NameOf(post.InReplyTo).ToString(),
                post.At.ToString(), read?.User ?? "?", read?.Mimetype,
                read is null ? null : Encoding.UTF8.GetString(read.Body))
            {
                Markup = read is null ? null
                    : PageMarkup.Of(repository, visitor, links, read.Body, read.Mimetype),
            });
        }

        return new ThreadView(
            string.IsNullOrEmpty(title) ? "(no title)" : title, posts, versions.Count <= VersionsMax);
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        foreach (var post in Posts)
        {
            html.Add($"<article class=\"entry\" id=\"{Anchor(post.Hash)}\"><p>{post.User} ");
            html.Add($"<time datetime=\"{post.Date}\">{DisplayText.Minute(post.Date)}</time>");
            if (post.EditedAs is { } version)
                html.Add($" <a class=\"faint\" href=\"{links.Info(version)}\">edited</a>");
            if (post.ReplyTo is { } to) html.Add($" <a class=\"faint\" href=\"#{Anchor(to)}\">in reply to</a>");
            html.Add($" <a class=\"faint\" href=\"{links.Info(post.Hash)}\"><code>{post.Hash[..10]}</code></a></p>\n");
            if (post.Markup is not null) post.Markup.Write(html);
            else html.Add($"<p class=\"faint\">Too much to show here.</p>\n");
            html.Add($"</article>\n");
        }

        if (!IsWhole) html.Add($"<p class=\"faint\">More posts than are shown.</p>\n");
    }

    private static string Anchor(string hash) => "post-" + hash[..16];
}
