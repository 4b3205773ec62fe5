using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>A broker in one thread, whose clients are strings in and strings out.</summary>
internal sealed class BrokerHarness
{
    public BrokerHarness(BrokerOptions? options = null, ulong seed = 1)
    {
        Now = Instant.FromUnixSeconds(1_700_000_000);
        Core = new BrokerCore(
            options ?? new BrokerOptions { ServerName = "test" }, new SeededEntropy(seed), new Prng(seed), Now);
    }

    public BrokerCore Core { get; }

    public Instant Now { get; private set; }

    /// <summary>A client that has not sent anything; INFO is still to be read.</summary>
    public TestClient Attach(ConnectionTransport transport = ConnectionTransport.Tcp) =>
        new(
            this,
            Core.Attach(
                new ConnectionOrigin
                {
                    Kind = ConnectionKind.Client,
                    Transport = transport,
                    Address = "127.0.0.1",
                    Port = 1
                }, Now));

    /// <summary>A client with the usual CONNECT, and nothing unread.</summary>
    public TestClient Connect(string fields = "\"headers\":true,\"no_responders\":true")
    {
        var client = Attach();
        client.Send($"CONNECT {{\"verbose\":false,\"pedantic\":false,\"protocol\":1,{fields}}}\r\n");
        client.Read();
        return client;
    }

    /// <summary>What a shell does after each batch, but for sending.</summary>
    public void Flush()
    {
        while (Core.TryTakeTouched(out _))
        {
        }
    }

    /// <summary>Moves the clock, in steps that miss no deadline.</summary>
    public void Pass(TimeSpan time)
    {
        var end = Now + time;
        while (Core.Deadline is { } deadline && deadline <= end)
        {
            if (deadline > Now) Now = deadline;
            Core.OnDeadline(Now);
        }

        Now = end;
    }
}

internal sealed class TestClient(BrokerHarness harness, BrokerConnection connection)
{
    public BrokerConnection Connection => connection;

    public bool IsClosed => connection.IsClosed;

    public void Send(string text) => Send(Encoding.UTF8.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes) => harness.Core.Receive(connection, harness.Now, bytes);

    /// <summary>Everything that has been written for it since it last read.</summary>
    public string Read() => Encoding.UTF8.GetString(ReadBytes());

    public byte[] ReadBytes()
    {
        var segments = new List<OutputSegment>();
        var size = harness.Core.TakeOutput(connection, segments, harness.Now);
        var bytes = new MemoryStream(size);
        foreach (var segment in segments)
        {
            bytes.Write(segment.Buffer, 0, segment.Length);
            harness.Core.Recycle(segment);
        }

        harness.Core.OutputSent(connection, size, harness.Now);
        return bytes.ToArray();
    }

    public string Exchange(string text)
    {
        Send(text);
        return Read();
    }
}
