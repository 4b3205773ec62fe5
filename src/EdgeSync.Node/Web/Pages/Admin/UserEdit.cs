using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.Node.Web.Pages.Admin;

/// <summary>
/// Changes of users by a user with the right <c>a</c> or <c>s</c>. As in stock, only <c>s</c> gives <c>s</c> and
/// <c>y</c>, and only <c>s</c> changes a user who has <c>s</c>; beyond stock, that also holds for what comes by
/// <c>developer</c> and <c>reader</c>, nobody takes <c>s</c> or the account from itself, and one user with <c>s</c>
/// remains. Each change is a transaction.
/// </summary>
/// <param name="actor">The login that makes the change.</param>
// Spec: setup_uedit in setupuser.c.
internal sealed class UserEdit(Repository repository, string actor)
{
    private const string SetupOnly = "sy";

    private readonly bool _isSetup = repository.Users.CapabilitiesOf(actor).Has('s');

    /// <summary>True where the actor may change a user.</summary>
    public bool May(User user) => _isSetup || !HasSetup(user.Login);

    /// <summary>Letters that the actor may give.</summary>
    public bool MayGive(char letter) => _isSetup || !SetupOnly.Contains(letter, StringComparison.Ordinal);

    /// <summary>Adds a user.</summary>
    /// <returns>The password; a random one where none is given.</returns>
    /// <exception cref="EdgeSyncException">The login, a letter or the password is refused.</exception>
    public string Add(string login, string capabilities, string info, string? password)
    {
        using var transaction = repository.Begin();
        var before = SetupLogins();
        RequireLetters("", capabilities);
        var made = repository.Users.Add(login, capabilities, password, info);
        RequireNoneRaised(before);
        AdminLog.Add(repository, "setup_uedit", actor, $"Added user [{login}] with capabilities [{capabilities}].");
        transaction.Commit();
        return made;
    }

    /// <summary>Changes rights and text of a user, and the password and the login if they are given.</summary>
    /// <param name="newLogin">Null: it stays.</param>
    /// <returns>A random password, which a new login needs where none is given; null: none was made.</returns>
    /// <exception cref="EdgeSyncException">There is no such user, or the change is refused.</exception>
    public string? Change(string login, string? newLogin, string capabilities, string info, string? password)
    {
        using var transaction = repository.Begin();
        var user = Editable(login);
        var before = SetupLogins();
        RequireLetters(user.Capabilities, capabilities);
        if (login == actor && HasSetup(login) && !capabilities.Contains('s', StringComparison.Ordinal))
            throw Denied("your own right to everything (s) is not taken away here", "let another user do it");

        if (user.Capabilities != capabilities) repository.Users.SetCapabilities(login, capabilities);
        if (user.Info != info && !UserStore.IsReserved(login)) repository.Users.SetInfo(login, info);
        string? made = null;
        if (newLogin is not null && newLogin != login)
        {
            made = repository.Users.Rename(login, newLogin, password);
            AdminLog.Add(repository, "setup_uedit", actor, $"Renamed user [{login}] to [{newLogin}].");
            if (before.Remove(login)) before.Add(newLogin);
            login = newLogin;
        }
        else if (password is not null)
        {
            repository.Users.SetPassword(login, password);
        }

        RequireNoneRaised(before);
        AdminLog.Add(repository, "setup_uedit", actor, $"Updated user [{login}] with capabilities [{capabilities}].");
        transaction.Commit();
        return password is null ? made : null;
    }

    /// <summary>Removes a user.</summary>
    /// <exception cref="EdgeSyncException">There is no such user, or it stays.</exception>
    public void Remove(string login)
    {
        using var transaction = repository.Begin();
        _ = Editable(login);
        if (UserStore.IsReserved(login))
            throw Denied($"'{login}' is a set of rights, not a user: it is not deleted", "take its letters away");
        if (login == actor) throw Denied("your own account is not deleted here", $"edgesync repo user rm {login}");

        repository.Users.Remove(login);
        AdminLog.Add(repository, "setup_uedit", actor, $"Deleted user [{login}].");
        transaction.Commit();
    }

    private User Editable(string login)
    {
        var user = repository.Users.Get(login);
        return May(user) ? user : throw Denied($"{login} may do everything (s); only such a user changes it", null);
    }

    private void RequireLetters(string before, string after)
    {
        foreach (var letter in SetupOnly)
        {
            var had = before.Contains(letter, StringComparison.Ordinal);
            if (!MayGive(letter) && had != after.Contains(letter, StringComparison.Ordinal))
                throw Denied($"only a user who may do everything (s) gives or takes '{letter}'", null);
        }
    }

    // Also by the letters u and v, and by rights that all users have.
    private void RequireNoneRaised(HashSet<string> before)
    {
        if (!_isSetup && SetupLogins().FirstOrDefault(login => !before.Contains(login)) is { } raised)
            throw Denied($"{raised} would be able to do everything (s)", null);
    }

    private HashSet<string> SetupLogins() =>
        [.. repository.Users.List().Select(u => u.Login).Where(HasSetup)];

    private bool HasSetup(string login) => repository.Users.TryGet(login, out var user)
        && (user!.Capabilities.Contains('s', StringComparison.Ordinal)
            || repository.Users.CapabilitiesOf(login).Has('s'));

    private static EdgeSyncException Denied(string fault, string? hint) => new(ErrorKind.Denied, fault, hint);
}
