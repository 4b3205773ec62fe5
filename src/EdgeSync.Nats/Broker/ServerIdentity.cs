using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// The public id of one run of a server: in the form of a server's public key, which peers expect, but without a
/// secret.
/// </summary>
internal static class ServerIdentity
{
    private const int Length = 56;

    public static string Draw(Prng prng)
    {
        const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        Span<char> id = stackalloc char[Length];
        id[0] = 'N';
        for (var i = 1; i < Length; i++) id[i] = Base32[prng.NextInt32(Base32.Length)];
        return new string(id);
    }
}
