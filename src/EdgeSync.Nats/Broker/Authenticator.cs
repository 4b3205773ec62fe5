using System.Security.Cryptography;
using System.Text;
using EdgeSync.Nats.Keys;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

internal enum AuthenticationResult
{
    Refused,
    Accepted,

    /// <summary>The password has to be compared with a slow hash, by a <see cref="PasswordCheck"/>.</summary>
    TakesTime,
}

/// <summary>Identifies a connection by its CONNECT. Used for clients and leaf links alike.</summary>
internal sealed class Authenticator
{
    private const int NonceLength = 15;

    private readonly BrokerOptions _options;
    private readonly Dictionary<string, BrokerUser> _users;
    private readonly Dictionary<string, BcryptHash> _hashes = new(StringComparer.Ordinal);

    // The last right password of each user with a hash, so that many reconnecting clients are not checked one by one.
    // Keyed, so that it is useless outside of this process.
    private readonly Dictionary<string, byte[]> _known = new(StringComparer.Ordinal);
    private readonly byte[] _key = new byte[32];

    public Authenticator(BrokerOptions options, Entropy entropy)
    {
        _options = options;
        _users = options.Users.ToDictionary(u => u.Name, StringComparer.Ordinal);
        UsesNonce = options.Users.Any(u => u.Password is null);
        foreach (var user in options.Users)
            if (user.Password is { } text && BcryptHash.TryParse(text, out var hash))
                _hashes[user.Name] = hash!;
        if (options.Token is { } token && BcryptHash.TryParse(token, out var tokenHash))
            _hashes[TokenName] = tokenHash!;
        if (_hashes.Count > 0) entropy.Fill(_key);
    }

    /// <summary>Not a possible user name: the key for the token's hash.</summary>
    private static string TokenName => "";

    /// <summary>Some user authenticates by NKey, so INFO has to carry a nonce.</summary>
    public bool UsesNonce { get; }

    public string DrawNonce(Entropy entropy)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        Span<byte> random = stackalloc byte[NonceLength];
        entropy.Fill(random);
        Span<char> nonce = stackalloc char[NonceLength];
        for (var i = 0; i < NonceLength; i++) nonce[i] = Alphabet[random[i] % Alphabet.Length];
        return new string(nonce);
    }

    /// <param name="connect">The CONNECT of the other side.</param>
    /// <param name="nonce">The nonce in the first INFO of this connection.</param>
    /// <param name="user">The user, or the claimed one; null for a token, and without authentication.</param>
    public AuthenticationResult Authenticate(ConnectOptions connect, string nonce, out BrokerUser? user)
    {
        user = null;
        if (!_options.RequiresAuthentication) return AuthenticationResult.Accepted;
        if (connect.Nkey.Length > 0) return Of(TryAcceptSignature(connect, nonce, out user));
        if (_options.Token is { } token && connect.AuthToken.Length > 0)
            return CheckPassword(TokenName, token, connect.AuthToken);
        if (!_users.TryGetValue(connect.User, out user) || user.Password is not { } password)
            return AuthenticationResult.Refused;

        return CheckPassword(user.Name, password, connect.Password);
    }

    /// <summary>The check of a password for which <see cref="Authenticate"/> returned TakesTime.</summary>
    public PasswordCheck CheckOf(BrokerConnection connection, BrokerUser? user, ConnectOptions connect) =>
        new(
            connection, _hashes[user?.Name ?? TokenName], user?.Name
            ?? TokenName, user is null ? connect.AuthToken : connect.Password);

    /// <summary>True for a password that was verified before.</summary>
    public bool IsKnown(PasswordCheck check) => IsKnown(check.Name, check.Password);

    public void Remember(PasswordCheck check) => _known[check.Name] = DigestOf(check.Password);

    private AuthenticationResult CheckPassword(string name, string expected, string given)
    {
        if (!_hashes.ContainsKey(name)) return Of(AreEqual(expected, given));
        return IsKnown(name, given) ? AuthenticationResult.Accepted : AuthenticationResult.TakesTime;
    }

    private bool IsKnown(string name, string password) =>
        _known.TryGetValue(name, out var digest) && CryptographicOperations.FixedTimeEquals(digest, DigestOf(password));

    private byte[] DigestOf(string password) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(password));

    private static AuthenticationResult Of(bool isRight) =>
        isRight ? AuthenticationResult.Accepted : AuthenticationResult.Refused;

    /// <summary>
    /// Whether a connection of that user (null: without a name) would be accepted again, with the same rights.
    /// </summary>
    public bool StillAccepts(BrokerUser? user) => user is null
        ? !_options.RequiresAuthentication || _options.Token is not null
        : _users.TryGetValue(user.Name, out var now) && now.IsSameAs(user);

    private bool TryAcceptSignature(ConnectOptions connect, string nonce, out BrokerUser? user) =>
        _users.TryGetValue(connect.Nkey, out user) && user.Password is null
        && NKey.Verify(connect.Nkey, Encoding.ASCII.GetBytes(nonce), connect.Signature);

    /// <summary>In constant time.</summary>
    private static bool AreEqual(string expected, string given) =>
        CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(expected)), SHA256.HashData(Encoding.UTF8.GetBytes(given)));
}
