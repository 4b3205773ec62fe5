using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeSync.Net.Http;

/// <summary>
/// TLS between a socket and Kestrel. Kestrel's own wants a container with a host's services in it (<see cref="BareKestrel"/> has
/// none) and certificates of developers, which nobody has here.
/// </summary>
internal sealed class TlsMiddleware
{
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(10);

    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 16 * 1024, leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions WriterOptions = new(leaveOpen: true);

    private readonly SslServerAuthenticationOptions _options;
    private readonly TimeProvider _clock;

    private TlsMiddleware(SslStreamCertificateContext certificate, TimeProvider clock)
    {
        _options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            AllowRenegotiation = false,
        };
        _clock = clock;
    }

    /// <exception cref="EdgeSyncException">The certificate or its key cannot be read.</exception>
    public static TlsMiddleware FromFiles(string certificateFile, string? keyFile, TimeProvider clock)
    {
        foreach (var file in (string?[])[certificateFile, keyFile])
        {
            if (file is not null && !File.Exists(file)) throw new EdgeSyncException(ErrorKind.NotFound, $"the TLS file {file} does not exist", "check the path");
        }

        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificateFile);
            var certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
            return new TlsMiddleware(SslStreamCertificateContext.Create(certificate, chain), clock);
        }
        catch (Exception e) when (e is System.Security.Cryptography.CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(
                ErrorKind.System,
                $"cannot use the certificate {certificateFile} with the key {keyFile ?? "(the same file)"}: {e.Message}",
                "both must be PEM files, and the key must belong to the certificate", e);
        }
    }

    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var plain = connection.Transport;
        await using var stream = new SslStream(new PipeStream(plain));
        try
        {
            using var patience = new CancellationTokenSource(HandshakePatience, _clock);
            await stream.AuthenticateAsServerAsync(_options, patience.Token);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or ConnectionAbortedException)
        {
            return;   // no TLS, none that we take, or too slow: the connection is closed
        }

        var tls = new Duplex(PipeReader.Create(stream, ReaderOptions), PipeWriter.Create(stream, WriterOptions));
        connection.Features.Set<ITlsConnectionFeature>(NoClientCertificate.Instance);   // makes it https
        connection.Transport = tls;
        try
        {
            await next(connection);
        }
        finally
        {
            await tls.Input.CompleteAsync();
            await tls.Output.CompleteAsync();
            connection.Transport = plain;
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class NoClientCertificate : ITlsConnectionFeature
    {
        public static NoClientCertificate Instance { get; } = new();

        public X509Certificate2? ClientCertificate
        {
            get => null;
            set => throw new NotSupportedException();
        }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }

    /// <summary>Both ends of a pipe as the one stream that <see cref="SslStream"/> takes.</summary>
    private sealed class PipeStream(IDuplexPipe pipe) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var result = await pipe.Input.ReadAsync(cancellationToken);
            var length = (int)Math.Min(result.Buffer.Length, buffer.Length);
            var taken = result.Buffer.Slice(0, length);
            taken.CopyTo(buffer.Span);
            pipe.Input.AdvanceTo(taken.End);   // from here on the sequence says nothing any more, not even its length
            return length;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            await pipe.Output.WriteAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;   // each write is flushed

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
