using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic;

/// <summary>Lines of <c>tests/Vectors/quic</c>: a name and hex.</summary>
internal static class QuicVectors
{
    private static readonly Dictionary<string, byte[]> Rfc9001 = Read("rfc9001.txt");
    private static readonly Dictionary<string, byte[]> Iroh = Read("iroh.txt");

    public static byte[] OfRfc9001(string name) => Rfc9001[name];

    public static byte[] OfIroh(string name) => Iroh[name];

    private static Dictionary<string, byte[]> Read(string file) =>
        File.ReadLines(Vectors.PathOf("quic", file))
            .Select(line => line.Split(' '))
            .ToDictionary(words => words[0], words => Convert.FromHexString(words[1]));
}
