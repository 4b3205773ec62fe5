using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Net.Nats;

/// <summary>A broker on free ports of the loopback, and what it reported.</summary>
internal sealed class TestBroker : INatsBrokerEvents, IAsyncDisposable
{
    private readonly ConcurrentQueue<CloseReason> _closed = new();
    private readonly ConcurrentQueue<string> _refused = new();

    private TestBroker()
    {
    }

    public NatsBroker Broker { get; private set; } = null!;

    public Uri Url => Broker.ClientUrl!;

    public IReadOnlyCollection<CloseReason> Closed => _closed;

    public IReadOnlyCollection<string> Refused => _refused;

    public static async Task<TestBroker> StartAsync(
        BrokerOptions? options = null, Func<NatsBrokerOptions, NatsBrokerOptions>? change = null)
    {
        var test = new TestBroker();
        var listen = new NatsBrokerOptions
        {
            Broker = options ?? new BrokerOptions { ServerName = "test" },
            Entropy = new SeededEntropy(7),
            ClientListen = new IPEndPoint(IPAddress.Loopback, 0),
        };
        test.Broker = await NatsBroker.StartAsync(
            change?.Invoke(listen)
            ?? listen, TimeProvider.System, test, TestContext.Current!.Execution.CancellationToken);
        return test;
    }

    public static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    /// <summary>Waits for something that the broker does in its own time.</summary>
    public static Task UntilAsync(Func<bool> condition, string what) =>
        Patience.UntilAsync(condition, TimeSpan.FromSeconds(10), () => what);

    public void OnConnected(BrokerConnection connection)
    {
    }

    public void OnClosed(BrokerConnection connection) => _closed.Enqueue(connection.CloseReason);

    public void OnRefused(string remote, string why) => _refused.Enqueue(why);

    public ValueTask DisposeAsync() => Broker.DisposeAsync();
}
