using EdgeSync.Iroh.Endpoints;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh;

/// <summary>Lines of <c>tests/Vectors/iroh</c>, and the keys that they are of.</summary>
internal static class IrohVectors
{
    private static readonly Dictionary<string, string> Lines =
        File.ReadLines(Vectors.PathOf("iroh", "vectors.txt"))
            .Select(line => line.Split(' '))
            .ToDictionary(words => words[0], words => words[1]);

    /// <summary>The key of most vectors: 00 01 … 1f.</summary>
    public static SecretKey Key { get; } = new([.. Enumerable.Range(0, SecretKey.SeedBytes).Select(i => (byte)i)]);

    /// <summary>The key whose seed is the same byte 32 times.</summary>
    public static SecretKey KeyOf(byte value) => new([.. Enumerable.Repeat(value, SecretKey.SeedBytes)]);

    public static string Text(string name) => Lines[name];

    public static byte[] Bytes(string name) => Convert.FromHexString(Lines[name]);
}
