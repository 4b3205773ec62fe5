using System.Buffers;

namespace EdgeSync.Tests.Support;

/// <summary>One payload in every shape a socket may deliver it: whole, cut at each byte, one byte a segment.</summary>
internal static class Splits
{
    public static IEnumerable<ReadOnlySequence<byte>> Of(byte[] payload)
    {
        yield return new ReadOnlySequence<byte>(payload);
        for (var cut = 1; cut < payload.Length; cut++)
            yield return Join(payload.AsMemory(0, cut), payload.AsMemory(cut));
        yield return Join(
            [.. Enumerable.Range(0, payload.Length).Select(i => (ReadOnlyMemory<byte>)payload.AsMemory(i, 1))]);
    }

    /// <summary>Every proper prefix: what a parser sees while the rest is still on the way.</summary>
    public static IEnumerable<byte[]> Prefixes(byte[] payload)
    {
        for (var size = 0; size < payload.Length; size++) yield return payload[..size];
    }

    public static ReadOnlySequence<byte> Join(params ReadOnlyMemory<byte>[] parts)
    {
        if (parts.Length == 0) return ReadOnlySequence<byte>.Empty;

        var first = new Segment(parts[0], 0);
        var last = first;
        foreach (var part in parts.AsSpan(1)) last = last.Append(part);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
