using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>
/// The user of a request and its rights: those of <c>nobody</c> and <c>anonymous</c>, more after a valid login.
/// </summary>
internal sealed class ServerAccess
{
    private readonly IArtifactStore _store;
    private bool _loginSeen;

    /// <param name="store">Where users are stored.</param>
    /// <param name="options">The requester, when it is known without a login.</param>
    public ServerAccess(IArtifactStore store, ServerOptions options)
    {
        _store = store;
        if (options.OwnerLogin is { } ownerLogin)
        {
            // Setup includes neither private artifacts nor unversioned files. Spec: login_set_capabilities in login.c.
            Account = store.Config.FindUser(ownerLogin);
            May = Expand("sxy");
            return;
        }

        May = options.PeerCapabilities is { } letters
            ? Expand(letters)
            : CapabilitiesOf("nobody").With(CapabilitiesOf("anonymous"));
    }

    public Capabilities May { get; private set; }

    /// <summary>The user, once one has logged in.</summary>
    public UserAccount? Account { get; private set; }

    /// <summary>False: the login is rejected, and with it the request.</summary>
    /// <param name="rest">The request behind the login card; the nonce must be its hash.</param>
    public bool TryLogIn(in LoginCard login, ReadOnlySpan<byte> rest)
    {
        // Spec: 2.27 allows one login card. Several would also let a request make us hash its body again and again.
        var isRefused = _loginSeen || !XferLogin.NonceFits(login.Nonce, rest);
        _loginSeen = true;
        if (login.User is "nobody" or "anonymous") return !isRefused;

        var account = isRefused || login.User is "developer" or "reader" ? null : _store.Config.FindUser(login.User);
        if (account is null
            || account.IsExpired
            || !XferLogin.SignatureFits(
                login.Signature, login.Nonce, account.Password, _store.ProjectCode ?? "", login.User))
            return false;

        Account = account;
        May = May.With(Expand(account.Capabilities));
        return true;
    }

    private Capabilities CapabilitiesOf(string login) => Expand(_store.Config.FindUser(login)?.Capabilities ?? "");

    private Capabilities Expand(string letters) => Capabilities.Expand(
        letters,
        _store.Config.FindUser("developer")?.Capabilities ?? "",
        _store.Config.FindUser("reader")?.Capabilities ?? "");
}
