using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation;

/// <summary>What happened, line by line, and its hash: the same seed gives the same hash.</summary>
internal sealed class Trace(bool keepsLines) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public List<string> Lines { get; } = [];

    public string Hash => Convert.ToHexStringLower(_hash.GetCurrentHash())[..16];

    public void Add(Instant now, string text)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{now.UnixMilliseconds % 100_000_000,9} {text}\n");
        _hash.AppendData(Encoding.UTF8.GetBytes(line));
        if (keepsLines) Lines.Add(line);
    }

    public void Dispose() => _hash.Dispose();
}
