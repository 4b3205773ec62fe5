using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// <c>$LDS.</c> and 22 characters drawn once for the life of a broker. It is sent as interest over every link,
/// regardless of permissions and roles; a broker that receives its own has detected a loop.
/// </summary>
internal static class LoopMark
{
    private const int TokenLength = 22;

    public static ReadOnlySpan<byte> Prefix => "$LDS."u8;

    public static bool Is(ReadOnlySpan<byte> subject) => subject.StartsWith(Prefix);

    public static byte[] Draw(Prng prng)
    {
        const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        var mark = new byte[Prefix.Length + TokenLength];
        Prefix.CopyTo(mark);
        for (var i = Prefix.Length; i < mark.Length; i++) mark[i] = (byte)Alphabet[prng.NextInt32(Alphabet.Length)];
        return mark;
    }
}
