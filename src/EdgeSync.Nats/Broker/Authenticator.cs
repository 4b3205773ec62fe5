using System.Security.Cryptography;
using System.Text;
using EdgeSync.Nats.Keys;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>Says who a connection is by what its CONNECT carries. Used for clients and leaf links alike.</summary>
internal sealed class Authenticator(BrokerOptions options)
{
    private const int NonceLength = 15;

    private readonly Dictionary<string, BrokerUser> _users = options.Users.ToDictionary(u => u.Name, StringComparer.Ordinal);

    /// <summary>Somebody signs with an NKey, so INFO has to carry a nonce.</summary>
    public bool UsesNonce { get; } = options.Users.Any(u => u.Password is null);

    public string DrawNonce(Entropy entropy)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        Span<byte> random = stackalloc byte[NonceLength];
        entropy.Fill(random);
        Span<char> nonce = stackalloc char[NonceLength];
        for (var i = 0; i < NonceLength; i++) nonce[i] = Alphabet[random[i] % Alphabet.Length];
        return new string(nonce);
    }

    /// <param name="connect">What the other side said.</param>
    /// <param name="nonce">What the first INFO of this connection carried.</param>
    /// <param name="user">Who it is; null for the holder of the token, and when nobody has to say.</param>
    public bool TryAccept(ConnectOptions connect, string nonce, out BrokerUser? user)
    {
        user = null;
        if (!options.RequiresAuthentication) return true;
        if (connect.Nkey.Length > 0) return TryAcceptSignature(connect, nonce, out user);
        if (options.Token is { } token && connect.AuthToken.Length > 0) return AreEqual(token, connect.AuthToken);
        if (!_users.TryGetValue(connect.User, out var found) || found.Password is not { } password) return false;

        user = found;
        return AreEqual(password, connect.Password);
    }

    private bool TryAcceptSignature(ConnectOptions connect, string nonce, out BrokerUser? user) =>
        _users.TryGetValue(connect.Nkey, out user) && user.Password is null
        && NKey.Verify(connect.Nkey, Encoding.ASCII.GetBytes(nonce), connect.Signature);

    /// <summary>In a time that does not tell how much of it was right.</summary>
    private static bool AreEqual(string expected, string given) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(expected)), SHA256.HashData(Encoding.UTF8.GetBytes(given)));
}
