using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can.Agent;

/// <summary>
/// The content of an asset as it comes from a service, from a position on: the bytes alone, or the content of a
/// <c>PullResponse</c>. Of what has come and was not read yet at most one piece is in memory.
/// </summary>
internal sealed class ServiceContent : IAsyncDisposable
{
    private const int PieceBytes = 64 * 1024;

    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(60);

    private readonly HttpResponseMessage _reply;
    private readonly Stream _stream;
    private readonly BundleParser? _parser;
    private readonly string _url;
    private readonly byte[] _piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
    private ReadOnlyMemory<byte> _input;
    private ReadOnlyMemory<byte> _content;
    private bool _isEnded;

    public ServiceContent(AssetHash hash, HttpResponseMessage reply, Stream stream, bool isBundle, string url)
    {
        (Hash, _reply, _stream, _url) = (hash, reply, stream, url);
        _parser = isBundle ? new BundleParser() : null;
    }

    public AssetHash Hash { get; }

    /// <summary>Of what is read next.</summary>
    public long Position { get; private set; }

    /// <summary>What came around the content, after its end; null: the service sends the bytes alone.</summary>
    public AssetBundle? Bundle { get; private set; }

    /// <summary>Goes to the position that is wanted.</summary>
    /// <param name="position">Of the first byte that comes.</param>
    /// <param name="target">Of the first one that is wanted.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>False: there is no such asset, or it is shorter.</returns>
    public async Task<bool> BeginAsync(long position, long target, CancellationToken cancellationToken)
    {
        Position = position;
        if (_parser is not null && !await FillAsync(cancellationToken) && Bundle is null) return false;

        while (Position < target)
        {
            if (!await FillAsync(cancellationToken)) return false;

            var count = (int)Math.Min(target - Position, _content.Length);
            _content = _content[count..];
            Position += count;
        }

        return true;
    }

    /// <summary>What is there, at most as much as the target holds; 0 at the end.</summary>
    /// <exception cref="EdgeSyncException">The service broke off.</exception>
    public async Task<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        if (!await FillAsync(cancellationToken)) return 0;

        var count = Math.Min(target.Length, _content.Length);
        _content[..count].CopyTo(target);
        _content = _content[count..];
        Position += count;
        return count;
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _reply.Dispose();
        ArrayPool<byte>.Shared.Return(_piece);
    }

    // Until there is content to read; false at its end.
    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        while (_content.IsEmpty)
        {
            if (_input.IsEmpty)
            {
                if (_isEnded) return false;

                var read = await ReadPieceAsync(cancellationToken);
                _input = _piece.AsMemory(0, read);
                if (read == 0)
                {
                    _isEnded = true;
                    if (_parser is not null && _parser.TryFinish(out var bundle)) Bundle = bundle;
                    return false;
                }
            }

            if (_parser is null)
            {
                (_content, _input) = (_input, default);
                continue;
            }

            var input = _input.Span;
            var part = _parser.Read(ref input, out var content);
            var behind = _input.Length - input.Length;
            if (part == BundlePart.Invalid)
                throw new EdgeSyncException(ErrorKind.Protocol, $"{_url} sends {Hash} malformed", "check the service");

            if (part == BundlePart.Content) _content = _input.Slice(behind - content.Length, content.Length);
            _input = _input[behind..];
        }

        return true;
    }

    private async Task<int> ReadPieceAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(SilenceMax);
        try
        {
            return await _stream.ReadAsync(_piece, patience.Token);
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"{_url} broke off in {Hash}: {e.Message}", "it is tried again", e);
        }
    }
}

/// <summary>A stream of which each read must end in time.</summary>
internal sealed class PatientStream(Stream inner, TimeSpan silenceMax, TimeProvider clock) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var patience = new CancellationTokenSource(silenceMax, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        return await inner.ReadAsync(buffer, either.Token);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
