using System.Buffers;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// Holds one incomplete operation until the rest of it arrives. It grows with the received bytes, never with an
/// announced size.
/// </summary>
internal sealed class PartialReadBuffer
{
    private byte[]? _buffer;

    public int Length { get; private set; }

    public int Capacity => _buffer?.Length ?? 0;

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, Length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;

        if (_buffer is null || _buffer.Length - Length < bytes.Length)
        {
            var grown = ArrayPool<byte>.Shared.Rent(Math.Max(Length + bytes.Length, 2 * Length));
            Bytes.CopyTo(grown);
            if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = grown;
        }

        bytes.CopyTo(_buffer.AsSpan(Length));
        Length += bytes.Length;
    }

    public void Clear()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        Length = 0;
    }
}
