using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Users;

/// <summary>
/// Users and their rights. Passwords are stored hashed; four logins are sets of rights: <c>nobody</c> (everyone),
/// <c>anonymous</c> (every login), <c>developer</c> and <c>reader</c> (by the letters <c>v</c> and <c>u</c>).
/// </summary>
public sealed class UserStore
{
    private const string KnownLetters = "abcdefghijklmnopqrstuvwxyz234567ACD";
    private const string ExpiryFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private readonly Repository _repository;

    internal UserStore(Repository repository) => _repository = repository;

    private Database Database => _repository.Database;

    /// <summary>Logins that have no password.</summary>
    public static bool IsReserved(string login) => login is "nobody" or "anonymous" or "developer" or "reader";

    /// <summary>The first user with the setup capability, or nothing: who has the file is recorded so.</summary>
    // As stock's --localauth.
    public string OwnerLogin => List().Where(u => u.Capabilities.Contains('s')).MinBy(u => u.UserId)?.Login ?? "";

    public IReadOnlyList<User> List()
    {
        var users = new List<User>();
        using var select = Database.Prepare(
            "SELECT uid, login, cap, info, mtime, cexpire, length(pw)>0, typeof(cexpire) FROM user ORDER BY login");
        while (select.Step()) users.Add(Read(select));
        return users;
    }

    public bool TryGet(string login, out User? user)
    {
        using var select = Database.Prepare(
            "SELECT uid, login, cap, info, mtime, cexpire, length(pw)>0, typeof(cexpire) FROM user WHERE login=?1");
        user = select.BindText(1, login).Step() ? Read(select) : null;
        return user is not null;
    }

    /// <exception cref="EdgeSyncException">There is no such user.</exception>
    public User Get(string login) => TryGet(login, out var user) ? user! : throw Unknown(login);

    /// <summary>Adds a user; returns the password, which is generated when none is given.</summary>
    /// <exception cref="EdgeSyncException">The login exists or is invalid, or a letter is not a capability.</exception>
    public string Add(string login, string capabilities, string? password = null, string info = "")
    {
        RequireLogin(login);
        RequireLetters(capabilities);
        if (TryGet(login, out _))
            throw Taken(login, $"edgesync repo user update {login} --cap LETTERS");

        password ??= RandomPassword.Create(_repository.Entropy);
        using var transaction = _repository.Begin();
        using (var insert = Database.Prepare("INSERT INTO user(login,pw,cap,info,mtime) VALUES(?1,?2,?3,?4,?5)"))
        {
            insert.BindText(1, login).BindText(2, Hash(login, password)).BindText(3, capabilities).BindText(4, info)
                .Bind(5, _repository.Now.UnixSeconds).Run();
        }

        transaction.Commit();
        return password;
    }

    /// <summary>Adds the user if it does not exist; an existing one keeps its rights. True if added.</summary>
    public bool Ensure(string login, string capabilities, string? password = null)
    {
        using var transaction = _repository.Begin();
        var isMissing = !TryGet(login, out _);
        if (isMissing) Add(login, capabilities, password);
        transaction.Commit();
        return isMissing;
    }

    public void SetCapabilities(string login, string capabilities)
    {
        RequireLetters(capabilities);
        using var update = Database.Prepare("UPDATE user SET cap=?1, mtime=?2 WHERE login=?3");
        if (update.BindText(1, capabilities).Bind(2, _repository.Now.UnixSeconds).BindText(3, login).Run() == 0)
            throw Unknown(login);
    }

    /// <summary>The text beside the login.</summary>
    public void SetInfo(string login, string info)
    {
        using var update = Database.Prepare("UPDATE user SET info=?1, mtime=?2 WHERE login=?3");
        if (update.BindText(1, info).Bind(2, _repository.Now.UnixSeconds).BindText(3, login).Run() == 0)
            throw Unknown(login);
    }

    /// <summary>Sets the password, or a random one; returns it. Web logins of the user end.</summary>
    public string SetPassword(string login, string? password = null)
    {
        if (IsReserved(login) && login != "anonymous")
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{login}' is a set of capabilities, not a user: it has no password");

        password ??= RandomPassword.Create(_repository.Entropy);
        using var update = Database.Prepare("UPDATE user SET pw=?1, cookie=NULL, mtime=?2 WHERE login=?3");
        var stored = login == "anonymous" ? password : Hash(login, password);
        if (update.BindText(1, stored).Bind(2, _repository.Now.UnixSeconds).BindText(3, login).Run() == 0)
            throw Unknown(login);
        return password;
    }

    /// <summary>
    /// Gives a user another login. A stored password is a hash with the login in it, so one that exists is replaced: by
    /// the given one, or a random one. Web logins of the user end. What the user has written keeps the old login.
    /// </summary>
    /// <returns>The new password; null: the user has none.</returns>
    /// <exception cref="EdgeSyncException">
    /// NotFound: no such user. Conflict: the new login is taken. Usage: it is invalid, or one of them is a set of
    /// capabilities.
    /// </exception>
    // Spec: setup_uedit in setupuser.c. Differs from Fossil, which keeps the old hash, with which nobody can log in.
    public string? Rename(string login, string newLogin, string? password = null)
    {
        RequireLogin(newLogin);
        if (IsReserved(login) || IsReserved(newLogin))
            throw new EdgeSyncException(
                ErrorKind.Usage,
                $"'{(IsReserved(login) ? login : newLogin)}' is a set of capabilities, not a user: its name stays");

        using var transaction = _repository.Begin();
        var user = Get(login);
        if (TryGet(newLogin, out _)) throw Taken(newLogin, "choose another login");

        if (user.HasPassword) password ??= RandomPassword.Create(_repository.Entropy);
        using (var update = Database.Prepare(
            "UPDATE user SET login=?1, pw=coalesce(?2,pw), cookie=NULL, mtime=?3 WHERE login=?4"))
        {
            update.BindText(1, newLogin).BindText(2, password is null ? null : Hash(newLogin, password))
                .Bind(3, _repository.Now.UnixSeconds).BindText(4, login).Run();
        }

        if (Database.HasTable("subscriber"))
        {
            using var update = Database.Prepare("UPDATE subscriber SET suname=?1 WHERE suname=?2");
            update.BindText(1, newLogin).BindText(2, login).Run();
        }

        transaction.Commit();
        return password;
    }

    public void Remove(string login)
    {
        using var delete = Database.Prepare("DELETE FROM user WHERE login=?1");
        if (delete.BindText(1, login).Run() == 0) throw Unknown(login);
    }

    /// <summary>
    /// Creates (or renews) a user with a fresh password and returns a token for a clone. With <paramref
    /// name="timeToLive"/> the login expires.
    /// </summary>
    public InviteToken Invite(string login, string capabilities, string url, TimeSpan? timeToLive = null)
    {
        RequireLogin(login);
        RequireLetters(capabilities);
        if (!capabilities.Contains('g', StringComparison.Ordinal)) capabilities += "g";   // an invitation is to clone
        using var transaction = _repository.Begin();
        string password;
        if (TryGet(login, out _))
        {
            SetCapabilities(login, capabilities);
            password = SetPassword(login);
        }
        else
        {
            password = Add(login, capabilities);
        }

        SetExpiry(login, timeToLive is { } span && span > TimeSpan.Zero ? _repository.Now + span : null);
        transaction.Commit();
        return new InviteToken(url, login, password, capabilities);
    }

    /// <summary>When the login expires; null: never.</summary>
    // Differs from EdgeSync in Go: that wrote local time and read it as UTC. The Z is read as UTC by both.
    public void SetExpiry(string login, Instant? expiresAt)
    {
        using var update = Database.Prepare("UPDATE user SET cexpire=?1 WHERE login=?2");
        update.BindText(1, expiresAt?.ToDateTime().ToString(ExpiryFormat, CultureInfo.InvariantCulture))
            .BindText(2, login).Run();
    }

    /// <summary>
    /// The rights of a login: those of <c>nobody</c> and (logged in) <c>anonymous</c>, and its own letters. An unknown
    /// or expired user has the rights of <c>nobody</c>.
    /// </summary>
    public Capabilities CapabilitiesOf(string? login)
    {
        var developer = LettersOf("developer");
        var reader = LettersOf("reader");
        var letters = LettersOf("nobody");
        if (login is not (null or "nobody") && TryGet(login, out var user) && !user!.IsExpired)
            letters += LettersOf("anonymous") + user.Capabilities;
        return Capabilities.Expand(letters, developer, reader);
    }

    /// <summary>True when the login exists, has not expired, and this is its password.</summary>
    // Spec: login_is_valid in login.c. What is stored may be a hash, or a clear password of an old repository.
    public bool IsPassword(string login, string password)
    {
        if (IsReserved(login) || !TryGet(login, out var user) || user!.IsExpired
            || StoredPasswordOf(login) is not { Length: > 0 } stored)
            return false;

        var expected = PasswordHash.IsHash(stored) ? stored : Hash(login, stored);
        return CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(Hash(login, password)), Encoding.UTF8.GetBytes(expected));
    }

    /// <summary>Changes with the password of a login, and does not give it away; empty for an unknown login.</summary>
    public string PasswordStampOf(string login) => StoredPasswordOf(login) is { } stored
        ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stored)))
        : "";

    /// <summary>
    /// The stored password, for checking signatures: a hash, a clear text, or empty. Null if there is no user.
    /// </summary>
    internal string? StoredPasswordOf(string login)
    {
        using var select = Database.Prepare("SELECT coalesce(pw,'') FROM user WHERE login=?1");
        return select.BindText(1, login).Step() ? select.Text(0) : null;
    }

    private string LettersOf(string login)
    {
        using var select = Database.Prepare("SELECT coalesce(cap,'') FROM user WHERE login=?1");
        return select.BindText(1, login).Step() ? select.Text(0)! : "";
    }

    private User Read(Statement select)
    {
        // Stock keeps the expiry of a web cookie in the same column, as a number: that is not the account's.
        var isExpiry = select.Bytes(7).SequenceEqual("text"u8) && select.Bytes(5).Length > 0;
        var expiresAt = isExpiry ? ParseExpiry(select.Text(5)!) : null;
        return new User(
            select.Int64(0),
            select.Text(1) ?? "",
            select.Text(2) ?? "",
            select.Text(3) ?? "",
            select.IsNull(4) ? null : select.Int64(4),
            expiresAt,
            IsExpired: isExpiry && (expiresAt is null || expiresAt <= _repository.Now),
            HasPassword: select.Boolean(6));
    }

    // Text without a zone is UTC, whatever the zone of this machine.
    private static Instant? ParseExpiry(string text) =>
        DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var moment)
            ? Instant.FromDateTime(moment)
            : null;

    private string Hash(string login, string password) =>
        PasswordHash.Compute(_repository.ProjectCode, login, password);

    private EdgeSyncException Taken(string login, string hint) =>
        new(ErrorKind.Conflict, $"{_repository.Path} has a user '{login}' already", hint);

    private EdgeSyncException Unknown(string login) =>
        new(ErrorKind.NotFound, $"{_repository.Path} has no user '{login}'", "edgesync repo user list");

    private static void RequireLogin(string login)
    {
        if (login.Length is > 0 and <= 100 && !login.AsSpan().ContainsAnyInRange('\0', ' ')) return;

        throw new EdgeSyncException(
            ErrorKind.Usage, $"invalid login '{login}': 1 to 100 characters without white space are expected");
    }

    private static void RequireLetters(string capabilities)
    {
        foreach (var letter in capabilities)
        {
            if (KnownLetters.Contains(letter, StringComparison.Ordinal)) continue;

            throw new EdgeSyncException(
                ErrorKind.Usage, $"unknown capability '{letter}' in '{capabilities}'", "edgesync repo user add --help");
        }
    }
}
