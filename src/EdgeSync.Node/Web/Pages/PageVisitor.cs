using System.Security.Cryptography;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Names;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Web.Pages;

/// <summary>The user of a request for a page: a login of the repository, or none, with its rights.</summary>
/// <param name="Login">Null without a login.</param>
/// <param name="Capabilities">Those of the login, or of <c>nobody</c>.</param>
/// <param name="Csrf">A token of the session that each form must bring; empty without a login.</param>
internal sealed record PageVisitor(string? Login, Capabilities Capabilities, string Csrf)
{
    /// <summary>May read the page of the node.</summary>
    public bool SeesNode { get; init; }

    /// <summary>The node has pages of messages, with rights of their own.</summary>
    public bool HasMessages { get; init; }

    /// <summary>Why a form is not taken: no login, another token than that of the session, or a right that is missing.
    /// </summary>
    /// <returns>Null: it is taken.</returns>
    public PageAnswer? Refusal(PageRequest request, char right, IFormCollection form)
    {
        if (Login is null || !May(right)) return RepositoryPages.NotAllowed(request);

        return IsCsrf(form[PageLogins.CsrfField].ToString()) ? null
            : PageSender.Show(
                request, new ProblemView("This form is not of your session.", "load its page again", []), 403);
    }

    /// <summary>True for the token of the visitor's session.</summary>
    public bool IsCsrf(string token) => Csrf.Length > 0 && CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(Csrf), Encoding.UTF8.GetBytes(token));

    public bool May(char letter) => Capabilities.Has(letter);

    /// <summary>The record of a name; without the right to what is private, that is not there.</summary>
    /// <exception cref="EdgeSyncException">There is none.</exception>
    public RecordId Artifact(Repository repository, string name) =>
        Checked(repository, NamesOf(repository).Resolve(name), name);

    /// <summary>The check-in of a name, as <see cref="Artifact"/>: the newest is the newest that is seen.</summary>
    /// <exception cref="EdgeSyncException">There is none.</exception>
    public RecordId Checkin(Repository repository, string name) =>
        Checked(repository, NamesOf(repository).ResolveCheckin(name), name);

    /// <summary>False for a private artifact, without the right to those.</summary>
    public bool Sees(Repository repository, RecordId rid)
    {
        if (Capabilities.MaySyncPrivate) return true;

        using var select = repository.Database.Prepare("SELECT 1 FROM private WHERE rid=?1");
        return !select.Bind(1, rid).Step();
    }

    /// <summary>False for entries of the timeline that need another right than that of check-ins.</summary>
    /// <param name="type">As in <c>event.type</c>.</param>
    // Spec: the conditions of rights in timeline.c.
    public bool SeesType(string type) => type switch
    {
        "w" or "e" => May('j'),
        "t" => May('r'),
        "f" => May('2'),
        _ => May('o'),
    };

    /// <summary>The names that the visitor may use.</summary>
    public NameResolver NamesOf(Repository repository) =>
        Capabilities.MaySyncPrivate ? repository.Names : repository.Names.WithoutPrivate();

    // A name such as root: leads on to relatives.
    private RecordId Checked(Repository repository, RecordId rid, string name) => Sees(repository, rid) ? rid
        : throw new EdgeSyncException(ErrorKind.NotFound, $"no artifact is named '{name}'");
}
