using EdgeSync.Primitives;

namespace EdgeSync.Storage.Content;

/// <summary>
/// The expanded bytes of one artifact, in a pooled array that the content cache may share. Dispose when done: the array
/// returns to the pool with its last holder. A missing Dispose costs an array, not correctness.
/// </summary>
public sealed class ArtifactContent : IDisposable
{
    private readonly byte[] _array;
    private int _holders = 1;

    private ArtifactContent(byte[] array, int length) => (_array, Length) = (array, length);

    public int Length { get; }

    public ReadOnlySpan<byte> Span
    {
        get
        {
            Invariant.Require(Volatile.Read(ref _holders) > 0);
            return _array.AsSpan(0, Length);
        }
    }

    public ReadOnlyMemory<byte> Memory
    {
        get
        {
            Invariant.Require(Volatile.Read(ref _holders) > 0);
            return _array.AsMemory(0, Length);
        }
    }

    /// <summary>The bytes to be filled before the object is shared.</summary>
    internal Span<byte> Room => _array.AsSpan(0, Length);

    public static ArtifactContent Copy(ReadOnlySpan<byte> bytes)
    {
        var content = Rent(bytes.Length);
        bytes.CopyTo(content.Room);
        return content;
    }

    public void Dispose()
    {
        var holders = Interlocked.Decrement(ref _holders);
        Invariant.Require(holders >= 0);
        if (holders == 0) ContentBuffers.Return(_array);
    }

    internal static ArtifactContent Rent(int length) =>
        new(ContentBuffers.Rent(length), length);

    /// <summary>Adds a holder, which disposes too.</summary>
    internal ArtifactContent Retain()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }
}
