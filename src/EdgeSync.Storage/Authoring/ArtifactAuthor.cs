using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>Shared by all writers of artifacts: the user, and storing and linking a draft.</summary>
internal sealed class ArtifactAuthor(Repository repository)
{
    public Repository Repository { get; } = repository;

    /// <summary>
    /// Content stored from here on is recorded under this user. An unknown user gets no number, which is not an error.
    /// </summary>
    public void SignIn(string user)
    {
        if (string.IsNullOrEmpty(user))
            throw new EdgeSyncException(ErrorKind.Usage, "a user name is needed", "--user NAME");

        using var select = Repository.Database.Prepare("SELECT uid FROM user WHERE login=?1");
        Repository.ReceiveLog.TrySetOrigin(
            select.BindText(1, user).Step() ? select.Int64(0) : 0, nonce: null, address: null);
    }

    /// <summary>Stores and links. Inside a transaction; the caller commits.</summary>
    /// <exception cref="EdgeSyncException">The draft is not a valid artifact: a name or value that the format cannot
    /// carry.</exception>
    public AuthoredArtifact Store(ArtifactDraft draft, ArtifactKind kind, bool isPrivate, bool isUnsent)
    {
        var text = draft.ToBytes();
        var options = new ArtifactParserOptions(Repository.Now, SkipsChecksum: true);
        if (!ArtifactParser.TryParse(text, out var artifact, out var fault, options))
            throw new EdgeSyncException(ErrorKind.Usage, $"this cannot be written as an artifact: {fault}");
        Invariant.Require(artifact.Kind == kind);

        var rid = Repository.Content.Put(text, isPrivate, isUnsent);
        Repository.Crosslinker.LinkPending();
        return new AuthoredArtifact(rid, Repository.Content.NameOf(rid));
    }

    /// <summary>The time to write: the caller's, or now, in milliseconds as artifacts count.</summary>
    public Instant DateOr(Instant? date) => date ?? Instant.FromUnixMilliseconds(Repository.Now.UnixMilliseconds);
}
