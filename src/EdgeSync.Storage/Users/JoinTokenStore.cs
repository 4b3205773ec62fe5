using System.Globalization;
using System.Security.Cryptography;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Users;

/// <summary>The result of redeeming a token.</summary>
/// <param name="Password">Long and random; the repository keeps a hash only.</param>
public sealed record JoinGrant(string Login, string Password);

/// <summary>
/// One-time tokens of join codes, in the repository that is joined. Only their SHA-256 is stored; a used token stays
/// for a while, so that its second use can be distinguished from a wrong one. A used token becomes a Fossil user, which
/// an administrator can list and remove.
/// <code>
/// config   edgesync:join:HASH   EXPIRES CAPABILITIES LOGIN|- [USED BY]     times in seconds since 1970
/// </code>
/// </summary>
public sealed class JoinTokenStore
{
    /// <summary>The capabilities of a joined machine: clone, read, write.</summary>
    public const string Capabilities = "gio";

    private const string KeyPrefix = "edgesync:join:";
    private const string InfoPrefix = "joined by code ";
    private const int PasswordParts = 2;
    private static readonly TimeSpan RetentionAfterExpiry = TimeSpan.FromDays(30);

    private readonly Repository _repository;

    internal JoinTokenStore(Repository repository) => _repository = repository;

    /// <summary>Creates a token.</summary>
    /// <param name="timeToLive">For how long it can be used.</param>
    /// <param name="capabilities">Of the user that it becomes.</param>
    /// <param name="login">The user's name; null uses the name of the joining machine.</param>
    /// <returns>The token, which is not stored, and its expiry.</returns>
    public (byte[] Token, Instant ExpiresAt) Create(
        TimeSpan timeToLive, string capabilities = Capabilities, string? login = null)
    {
        var token = new byte[JoinCode.TokenBytes];
        _repository.Entropy.Fill(token);
        var expires = _repository.Now + timeToLive;
        using var transaction = _repository.Begin();
        RemoveOld();
        _repository.Settings.Set(
            KeyOf(token),
            string.Create(CultureInfo.InvariantCulture, $"{expires.UnixSeconds} {capabilities} {login ?? "-"}"));
        transaction.Commit();
        return (token, expires);
    }

    /// <summary>Redeems a token once: the machine becomes a user with a password of its own.</summary>
    /// <returns>Null: no such token in this repository.</returns>
    /// <exception cref="EdgeSyncException">It was used, or is expired: the message names the reason.</exception>
    public JoinGrant? Redeem(byte[] token, string machine)
    {
        using var transaction = _repository.Begin();
        var key = KeyOf(token);
        if (_repository.Settings[key] is not { } stored) return null;

        var words = stored.Split(' ');
        if (words.Length >= 5)
            throw new EdgeSyncException(
                ErrorKind.Denied, $"the join code was used already, on {TimeOf(words[3])} by {words[4]}", NewCode);
        if (Seconds(words[0]) <= _repository.Now.UnixSeconds)
            throw new EdgeSyncException(
                ErrorKind.Denied, $"the join code is expired since {TimeOf(words[0])}", NewCode);

        var login = words[2] == "-" ? FreeLogin(machine) : words[2];
        var password = string.Concat(
            Enumerable.Range(0, PasswordParts).Select(_ => RandomPassword.Create(_repository.Entropy)));
        var info = $"{InfoPrefix}{_repository.Now.ToString()[..10]}";
        var users = _repository.Users;
        if (users.TryGet(login, out _))
        {
            users.SetCapabilities(login, words[1]);
            users.SetPassword(login, password);
            users.SetInfo(login, info);
        }
        else
        {
            users.Add(login, words[1], password, info);
        }

        _repository.Settings.Set(
            key,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{words[0]} {words[1]} {words[2]} {_repository.Now.UnixSeconds} {login}"));
        transaction.Commit();
        return new JoinGrant(login, password);
    }

    /// <summary>When the last token ends that was not used; null without one.</summary>
    public Instant? OpenUntil()
    {
        var ends = _repository.Settings.List(KeyPrefix).Select(s => s.Value.Split(' ')).Where(w => w.Length < 5)
            .Select(w => Seconds(w[0])).Where(end => end > _repository.Now.UnixSeconds).ToList();
        return ends.Count > 0 ? Instant.FromUnixSeconds(ends.Max()) : null;
    }

    /// <summary>Machines that joined and are still users, with the stored hash of their password.</summary>
    public IReadOnlyList<(string Login, string PasswordHash)> Members() =>
    [
        .. from user in _repository.Users.List()
           where user.Info.StartsWith(InfoPrefix, StringComparison.Ordinal) && user.HasPassword && !user.IsExpired
           let hash = _repository.Users.StoredPasswordOf(user.Login)
           where hash is not null && PasswordHash.IsHash(hash)
           select (user.Login, hash),
    ];

    private const string NewCode = "edgesync repo invite, on the other machine, prints a new code";

    private static string KeyOf(byte[] token) => KeyPrefix + Convert.ToHexStringLower(SHA256.HashData(token));

    private static long Seconds(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string TimeOf(string seconds) =>
        DisplayText.Minute(Instant.FromUnixSeconds(Seconds(seconds)).ToString()) + " UTC";

    private string FreeLogin(string machine)
    {
        for (var n = 1; ; n++)
        {
            var login = n == 1 ? machine : string.Create(CultureInfo.InvariantCulture, $"{machine}-{n}");
            if (!_repository.Users.TryGet(login, out _) && !UserStore.IsReserved(login)) return login;
        }
    }

    private void RemoveOld()
    {
        var end = _repository.Now.UnixSeconds - (long)RetentionAfterExpiry.TotalSeconds;
        foreach (var setting in _repository.Settings.List(KeyPrefix))
            if (Seconds(setting.Value.Split(' ')[0]) < end) _repository.Settings.Remove(setting.Name);
    }
}
