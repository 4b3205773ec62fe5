using System.Text.Json.Serialization;

namespace EdgeSync.Node.Web.Pages;

/// <summary>Why a page cannot be shown, and what to try.</summary>
internal sealed record ProblemView(string Error, string? Hint, IReadOnlyList<string> Candidates) : IPageModel
{
    [JsonIgnore]
    public string Title => "Not shown";

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<p class=\"problem\">{Error}</p>\n");
        foreach (var candidate in Candidates)
            if (links.IsOfMessages) html.Add($"<p><code>{candidate}</code></p>\n");
            else html.Add($"<p><a href=\"{links.Info(candidate)}\"><code>{candidate}</code></a></p>\n");
        if (Hint is not null) html.Add($"<p class=\"faint\">{Hint}</p>\n");
    }
}

/// <summary>The form of a login.</summary>
/// <param name="Failed">The form comes again, since what was sent is not a login.</param>
internal sealed record LoginView(bool Failed) : IPageModel
{
    [JsonIgnore]
    public string Title => "Log in";

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Failed) html.Add($"<p class=\"problem\" role=\"alert\">Unknown login, or another password.</p>\n");
        html.Add(
            $"""
            <form class="login" method="post" action="{links.Base}/login">
            <label>Login <input name="u" autocomplete="username" required autofocus></label>
            <label>Password <input name="p" type="password" autocomplete="current-password" required></label>
            <div><button>Log in</button></div>
            </form>

            """);
    }
}
