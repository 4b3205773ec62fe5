using System.Text.Json.Serialization;
using EdgeSync.Agent.Notify;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Web.Pages;

/// <summary>The threads of messages, and a form that begins one.</summary>
/// <param name="Device">The identity of this copy; what is unread was not read here.</param>
/// <param name="Project">Only its threads; null: those of all.</param>
/// <param name="IsUrgentFirst">Ordered by priority, then by activity.</param>
internal sealed record NotifyThreadsView(
    string Device, string? Project, bool IsUrgentFirst, IReadOnlyList<NotifyThreadItem> Threads,
    IReadOnlyList<NotifyProjectItem> Projects) : ILivePage
{
    /// <summary>The token of the forms; null: the visitor may not send.</summary>
    [JsonIgnore]
    public string? Csrf { get; init; }

    /// <summary>How many threads are shown at most.</summary>
    [JsonIgnore]
    public int CountMax { get; init; }

    [JsonIgnore]
    public string Title => Project is null ? "Messages" : $"Messages of {Project}";

    public string? LivePath(PageLinks links) => links.Live;

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<div data-fresh>\n");
        if (Projects.Count > 1) AddProjects(html, links);
        if (Threads.Count == 0) html.Add($"<p>No messages yet.</p>\n");
        else html.Add($"<p><a href=\"{Address(links, Project, !IsUrgentFirst)}\">{Order}</a></p>\n");
        foreach (var thread in Threads) AddThread(html, links, thread);
        if (Threads.Count == CountMax)
            html.Add($"<p class=\"faint\">Only the first {CountMax} threads are shown.</p>\n");
        html.Add($"</div>\n");
        if (Csrf is not null) AddForm(html, links);
    }

    private string Order => IsUrgentFirst ? "The newest first" : "Urgent ones first";

    private void AddProjects(HtmlPage html, PageLinks links)
    {
        html.Add($"<p>");
        if (Project is not null) html.Add($"<a href=\"{Address(links, null, IsUrgentFirst)}\">All projects</a> ");
        foreach (var project in Projects)
        {
            html.Add($"<a class=\"tag\" href=\"{Address(links, project.Project, IsUrgentFirst)}\">");
            html.Add($"{project.Project} ({project.Unread} unread)</a> ");
        }

        html.Add($"</p>\n");
    }

    private static void AddThread(HtmlPage html, PageLinks links, NotifyThreadItem thread)
    {
        html.Add($"<section class=\"entry thread\"><a href=\"{links.Thread(thread.Project, thread.Thread)}\">");
        html.Add($"{DisplayText.OneLine(thread.LastMessage)}</a>\n<p class=\"faint\">");
        if (thread.Unread > 0) html.Add($"<span class=\"tag unread\">{thread.Unread} unread</span> ");
        NotifyThreadView.AddPriority(html, thread.Priority);
        html.Add($"{thread.Project}, {thread.LastFromName}, {thread.MessageCount} messages, ");
        html.Add($"<time datetime=\"{thread.LastActivity}\">{DisplayText.Minute(thread.LastActivity)}</time>");
        html.Add($"</p></section>\n");
    }

    private void AddForm(HtmlPage html, PageLinks links)
    {
        html.Add(
            $"""
            <h2>New thread</h2>
            <form class="search" method="post" action="{links.Base}/new">
            <input type="hidden" name="{PageLogins.CsrfField}" value="{Csrf}">
            <label>Project <input name="project" value="{Project ?? (Projects.Count > 0 ? Projects[0].Project : "")}"
            required maxlength="64" pattern="[A-Za-z0-9_\-]+"></label>
            <label>Message <textarea name="body" rows="3" required maxlength="{NotifyCodec.BodyCharsMax}"></textarea>
            </label>
            <label>Answers to offer, with commas in between <input name="actions" maxlength="500"></label>
            <label>Priority <select name="priority"><option>info</option><option>action_required</option>
            <option>urgent</option></select></label>
            <div><button>Send</button></div>
            </form>

            """);
    }

    private static string Address(PageLinks links, string? project, bool isUrgentFirst) =>
        $"{links.Base}?{(project is null ? "" : $"project={Uri.EscapeDataString(project)}&")}"
            + (isUrgentFirst ? "inbox=1" : "inbox=0");
}

/// <summary>A thread: its messages, the oldest first, with the answers that they offer, and a form to reply.</summary>
/// <param name="Count">How many messages the thread has; the newest of them are shown.</param>
internal sealed record NotifyThreadView(
    string Project, string Thread, long Count, IReadOnlyList<NotifyItem> Messages) : ILivePage
{
    private const int SummaryCharsMax = 60;

    /// <summary>The token of the forms; null: the visitor may not send.</summary>
    [JsonIgnore]
    public string? Csrf { get; init; }

    /// <summary>The message that the form replies to; null: the thread is empty.</summary>
    [JsonIgnore]
    public NotifyItem? Target { get; init; }

    [JsonIgnore]
    public string Title => Messages.Count == 0 ? "Messages" : Summary(Messages[0].Body);

    public string? LivePath(PageLinks links) => links.Live;

    /// <summary>The message that a reply most likely means: the newest that is not an answer itself.</summary>
    /// <param name="login">Whose own messages do not count.</param>
    public static NotifyItem? TargetOf(IReadOnlyList<NotifyItem> messages, string? login) =>
        messages.LastOrDefault(m => m.ReplyTo is null && m.FromName != login)
            ?? (messages is [.., var last] ? last : null);

    /// <summary>A priority that is not the usual one.</summary>
    public static void AddPriority(HtmlPage html, string priority)
    {
        if (priority == NotifyNames.WordOf(NotifyPriority.Urgent)) html.Add($"<span class=\"tag bad\">urgent</span> ");
        else if (priority != NotifyNames.WordOf(NotifyPriority.Info))
            html.Add($"<span class=\"tag\">needs an answer</span> ");
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<div data-fresh>\n");
        if (Messages.Count < Count)
            html.Add($"<p class=\"faint\">The newest {Messages.Count} of {Count} messages are shown.</p>\n");
        foreach (var message in Messages) AddMessage(html, links, message);
        if (Csrf is not null && Messages.Any(m => !m.IsRead)) AddSeen(html, links);
        html.Add($"</div>\n");
        if (Csrf is not null && Target is not null) AddForm(html, links, Target);
        else if (Csrf is null) html.Add($"<p class=\"faint\">A login with the right to send may answer here.</p>\n");
    }

    private void AddMessage(HtmlPage html, PageLinks links, NotifyItem message)
    {
        html.Add($"<article class=\"entry message\" id=\"{message.Id}\">\n<p><strong>");
        html.Add($"{(message.FromName.Length > 0 ? message.FromName : message.From)}</strong> ");
        html.Add($"<time class=\"faint\" datetime=\"{message.Timestamp}\">{DisplayText.Minute(message.Timestamp)}");
        html.Add($"</time> ");
        AddPriority(html, message.Priority);
        if (!message.IsRead) html.Add($"<span class=\"tag unread\">new</span>");
        html.Add($"</p>\n");
        var answered = message.ReplyTo is { } id ? Messages.FirstOrDefault(m => m.Id == id) : null;
        if (answered is not null)
            html.Add($"<p class=\"faint\">to <a href=\"#{answered.Id}\">{Summary(answered.Body)}</a></p>\n");
        var chosen = message.ActionResponse ? answered?.Actions?.FirstOrDefault(a => a.Id == message.Body) : null;
        html.Add($"<p class=\"body\">{chosen?.Label ?? message.Body}</p>\n");
        foreach (var name in message.Media ?? [])
            html.Add($"<p><a href=\"{links.Media(message.Project, name)}\">{name}</a></p>\n");
        if (message.Actions is { } actions) AddActions(html, links, message, actions);
        else if (Csrf is not null)
            html.Add($"<p class=\"faint\"><a href=\"{links.ReplyTo(Project, Thread, message.Id)}\">Reply</a></p>\n");
        html.Add($"</article>\n");
    }

    private void AddActions(
        HtmlPage html, PageLinks links, NotifyItem message, IReadOnlyList<NotifyActionItem> actions)
    {
        if (Messages.FirstOrDefault(m => m.ReplyTo == message.Id) is { } answer)
        {
            html.Add($"<p class=\"good\">Answered by {answer.FromName}.</p>\n");
            return;
        }

        if (Csrf is null)
        {
            html.Add($"<p class=\"faint\">Answers: {string.Join(", ", actions.Select(a => a.Label))}</p>\n");
            return;
        }

        html.Add($"<form class=\"actions\" method=\"post\" action=\"{links.Thread(Project, Thread)}\">\n");
        html.Add($"<input type=\"hidden\" name=\"{PageLogins.CsrfField}\" value=\"{Csrf}\">");
        html.Add($"<input type=\"hidden\" name=\"target\" value=\"{message.Id}\">\n");
        foreach (var action in actions)
            html.Add($"<button name=\"action\" value=\"{action.Id}\">{action.Label}</button>\n");
        html.Add($"</form>\n");
    }

    // The script sends it when the page is seen; without the script a person does.
    private void AddSeen(HtmlPage html, PageLinks links)
    {
        html.Add(
            $"""
            <form data-seen method="post" action="{links.Base}/seen">
            <input type="hidden" name="{PageLogins.CsrfField}" value="{Csrf}">
            <input type="hidden" name="project" value="{Project}"><input type="hidden" name="thread" value="{Thread}">
            <input type="hidden" name="through" value="{Messages.Max(m => m.Seq)}">
            <button>Mark as read</button></form>

            """);
    }

    private void AddForm(HtmlPage html, PageLinks links, NotifyItem target)
    {
        html.Add(
            $"""
            <h2>Reply</h2>
            <form class="search" method="post" action="{links.Thread(Project, Thread)}">
            <input type="hidden" name="{PageLogins.CsrfField}" value="{Csrf}">
            <input type="hidden" name="target" value="{target.Id}">
            <label>To “{Summary(target.Body)}”
            <textarea name="body" rows="3" required maxlength="{NotifyCodec.BodyCharsMax}"></textarea></label>
            <div><button>Send</button></div>
            </form>

            """);
    }

    private static string Summary(string text)
    {
        var line = DisplayText.OneLine(text);
        return line.Length <= SummaryCharsMax ? line : line[..SummaryCharsMax] + "…";
    }
}
