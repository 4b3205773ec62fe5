using EdgeSync.Nats.Keys;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>Puts credentials into a CONNECT; keys sign the nonce of the first INFO.</summary>
internal static class LeafSignature
{
    /// <summary>False with the reason when the credentials cannot be used.</summary>
    public static bool TrySign(
        NatsCredentials credentials, string nonce, ConnectOptions connect, out ConnectOptions signed,
        out string closeDetail)
    {
        closeDetail = "";
        signed = connect;
        try
        {
            signed = Sign(credentials, nonce, connect);
            return true;
        }
        catch (EdgeSyncException e)
        {
            closeDetail = $"our credentials cannot be used: {e.Message}";
            return false;
        }
    }

    private static ConnectOptions Sign(NatsCredentials credentials, string nonce, ConnectOptions connect)
    {
        if (credentials.CredsText is { } text)
        {
            var creds = CredentialsFile.Parse(text);
            return connect with { Jwt = creds.Jwt, Signature = creds.Key.SignNonce(nonce) };
        }

        if (credentials.NkeySeed is { } seed)
        {
            var key = NKeyPair.FromSeed(seed);
            return connect with { Nkey = key.PublicKey, Signature = key.SignNonce(nonce) };
        }

        return connect with
        {
            User = credentials.User ?? "",
            Password = credentials.Password ?? "",
            AuthToken = credentials.Token ?? "",
        };
    }
}
