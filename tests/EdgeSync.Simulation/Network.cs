using EdgeSync.Primitives;

namespace EdgeSync.Simulation;

/// <summary>One message on its way.</summary>
/// <param name="Number">Pairs a reply with its request.</param>
/// <param name="IsCut">The transport noticed that bytes are missing, as HTTP does by Content-Length.</param>
internal sealed record SimMessage(
    long Number, int Client, int Server, bool IsReply, bool IsPlain, byte[] Body, bool IsCut = false);

/// <summary>Loses, doubles, cuts and delays messages. Delays differ, so messages overtake each other.</summary>
internal sealed class Network(Prng prng, Weather weather, Action<TimeSpan, SimMessage> deliver, Action<string> note)
{
    private readonly HashSet<(int, int)> _broken = [];

    public bool IsHealed { get; private set; }

    public void Send(SimMessage message)
    {
        var kind = message.IsReply ? "reply" : "request";
        if (IsBroken(message.Client, message.Server) || Strikes(weather.Drop))
        {
            note($"lost {kind} {message.Number}");
            return;
        }

        if (Strikes(weather.Truncate) && message.Body.Length > 1)
        {
            var size = prng.NextInt32(message.Body.Length);
            note($"cut {kind} {message.Number} to {size}");
            message = message with { Body = message.Body[..size], IsCut = prng.Chance(0.7) };
        }

        Deliver(message);
        if (!Strikes(weather.Duplicate)) return;

        note($"doubled {kind} {message.Number}");
        Deliver(message);
    }

    /// <summary>Breaks or mends links.</summary>
    public void Shake(int nodes)
    {
        if (IsHealed || weather.Partition == 0) return;

        for (var a = 0; a < nodes; a++)
            for (var b = a + 1; b < nodes; b++)
            {
                if (_broken.Contains((a, b)) ? prng.Chance(0.5) : !prng.Chance(weather.Partition))
                    _broken.Remove((a, b));
                else _broken.Add((a, b));
            }
    }

    public void Heal()
    {
        IsHealed = true;
        _broken.Clear();
    }

    private bool IsBroken(int a, int b) => _broken.Contains((Math.Min(a, b), Math.Max(a, b)));

    private bool Strikes(double probability) => !IsHealed && probability > 0 && prng.Chance(probability);

    private void Deliver(SimMessage message) => deliver(TimeSpan.FromMilliseconds(prng.NextInt32(1, 400)), message);
}
