using System.Text;
using EdgeSync.Nats.Keys;
using NATS.NKeys;

namespace EdgeSync.InteropTests.Nats;

/// <summary>An operator signs an account, the account a user: the chain that a <c>.creds</c> file stands for.</summary>
internal sealed class OperatorChain
{
    public OperatorChain()
    {
        var (signer, account, user) = (
            NewKey(PrefixByte.Operator), NewKey(PrefixByte.Account), NewKey(PrefixByte.User));
        var operatorJwt = Jwt(signer, signer.GetPublicKey(), "\"type\":\"operator\"");
        var accountJwt = Jwt(
            signer, account.GetPublicKey(),
            "\"type\":\"account\",\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,"
            + "\"exports\":-1,\"wildcards\":true,\"conn\":-1,\"leaf\":-1}");
        UserJwt = Jwt(account, user.GetPublicKey(), "\"type\":\"user\",\"subs\":-1,\"data\":-1,\"payload\":-1");
        Configuration = $"operator: {operatorJwt}\nresolver: MEMORY\nresolver_preload: {{ {account.GetPublicKey()}: "
            + $"{accountJwt} }}";
        CredentialsFile = Of(UserJwt, user);
    }

    /// <summary>For nats-server: the operator, and what it signed.</summary>
    public string Configuration { get; }

    public string UserJwt { get; }

    public string CredentialsFile { get; }

    /// <summary>The same claim with the seed of another user.</summary>
    public string StolenFile => Of(UserJwt, NewKey(PrefixByte.User));

    public static KeyPair NewKey(PrefixByte kind) => KeyPair.CreatePair(kind);

    private static string Of(string jwt, KeyPair user) =>
        $"-----BEGIN NATS USER JWT-----\r\n{jwt}\r\n------END NATS USER JWT------\r\n\r\n-----BEGIN USER NKEY "
            + $"SEED-----\r\n{user.GetSeed()}\r\n------END USER NKEY SEED------\r\n";

    // What is signed has the form of a JWT; the signature of a nonce is the same operation.
    private static string Jwt(KeyPair issuer, string subject, string claims)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var header = Url("{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}");
        var body = Url($"{{\"jti\":\"x\",\"iat\":{now},\"iss\":\"{issuer.GetPublicKey()}\","
            + $"\"name\":\"n\",\"sub\":\"{subject}\",\"nats\":{{{claims},\"version\":2}}}}");
        return $"{header}.{body}.{NKeyPair.FromSeed(issuer.GetSeed()).SignNonce($"{header}.{body}")}";
    }

    private static string Url(string text) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
