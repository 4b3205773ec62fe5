using EdgeSync.Primitives;

namespace EdgeSync.Storage.Users;

/// <summary>Generated passwords: short enough to type, with about 92 bits of entropy.</summary>
internal static class RandomPassword
{
    private const int Length = 16;

    /// <summary>Letters and digits without look-alikes.</summary>
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    public static string Create(Entropy entropy)
    {
        Span<byte> bytes = stackalloc byte[4 * Length];
        entropy.Fill(bytes);
        var password = new char[Length];
        for (var i = 0; i < Length; i++)
            password[i] = Alphabet[(int)(BitConverter.ToUInt32(bytes[(4 * i)..]) % (uint)Alphabet.Length)];
        return new string(password);
    }
}
