using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Iroh.Gossip;

/// <summary>The subject of a swarm: 32 arbitrary bytes, often a hash of a name.</summary>
public readonly record struct TopicId
{
    public const int Bytes = 32;

    private readonly EndpointId _bytes;

    /// <param name="bytes">32.</param>
    public TopicId(ReadOnlySpan<byte> bytes) => _bytes = new EndpointId(bytes);

    public byte[] ToArray() => _bytes.ToArray();

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString() => _bytes.ToString();
}
