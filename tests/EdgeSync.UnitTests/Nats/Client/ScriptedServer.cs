using System.Buffers;
using System.Text;
using EdgeSync.Nats.Client;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Client;

/// <summary>A client core with a clock of its own, and the words of a server put into its ear.</summary>
internal sealed class ScriptedServer
{
    public const string Info = """INFO {"server_id":"S","version":"2.9.10","proto":1,"headers":true,"max_payload":1048576} """ + "\r\n";

    private byte[] _kept = [];

    public ScriptedServer(NatsClientOptions? options = null, ulong seed = 1)
    {
        Core = new NatsClientCore(options ?? new NatsClientOptions(), new SeededEntropy(seed), new Prng(seed));
        Core.Start(Now);
    }

    public NatsClientCore Core { get; }

    public Instant Now { get; private set; } = Instant.FromUnixSeconds(1_700_000_000);

    /// <summary>A core on a live link, with nothing left to take.</summary>
    public static ScriptedServer Live(NatsClientOptions? options = null)
    {
        var server = new ScriptedServer(options);
        server.GoLive();
        server.Effects();
        return server;
    }

    public void GoLive(string info = Info)
    {
        Core.OnDialed(isSecure: false);
        Say(info);
        Sent();
        Say("PONG\r\n");
    }

    public void Say(string text)
    {
        _kept = [.. _kept, .. Encoding.Latin1.GetBytes(text)];
        _kept = _kept[Core.Receive(Now, _kept)..];
    }

    /// <summary>The link breaks, with what was in the middle of it.</summary>
    public void Break(string reason = "cut")
    {
        _kept = [];
        Core.OnLinkLost(Now, reason);
    }

    /// <summary>What the client has written since the last time.</summary>
    public string Sent()
    {
        var bytes = Core.TakeOutput();
        var text = Encoding.Latin1.GetString(bytes);
        if (bytes.Array!.Length > 0) ArrayPool<byte>.Shared.Return(bytes.Array);
        return text;
    }

    public List<ClientEffect> Effects()
    {
        var effects = new List<ClientEffect>();
        while (Core.TryTake(out var effect)) effects.Add(effect);
        return effects;
    }

    public void Wait(TimeSpan time)
    {
        Now += time;
        Core.OnDeadline(Now);
    }

    /// <summary>Sleeps until the core wants to be woken; answers how long that was.</summary>
    public TimeSpan WaitForDeadline()
    {
        var pause = Core.Deadline!.Value - Now;
        Wait(pause > TimeSpan.Zero ? pause : TimeSpan.Zero);
        return pause;
    }

    public PublishResult Publish(string subject, string body, string reply = "") =>
        Core.TryPublish(Encoding.UTF8.GetBytes(subject), Encoding.UTF8.GetBytes(reply), default, Encoding.UTF8.GetBytes(body));

    public long Request(string subject)
    {
        Assert.Equal(PublishResult.Accepted, Core.TryRequest(Encoding.UTF8.GetBytes(subject), default, default, out var token));
        return token;
    }
}
