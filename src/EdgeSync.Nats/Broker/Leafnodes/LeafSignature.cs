using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>Puts credentials into a CONNECT.</summary>
internal static class LeafSignature
{
    /// <summary>False with the reason when the credentials cannot be used.</summary>
    public static bool TrySign(LeafCredentials credentials, string nonce, ConnectOptions connect, out ConnectOptions signed, out string trouble)
    {
        trouble = "";
        signed = connect with
        {
            User = credentials.User ?? "",
            Password = credentials.Password ?? "",
            AuthToken = credentials.Token ?? "",
        };
        return true;
    }
}
