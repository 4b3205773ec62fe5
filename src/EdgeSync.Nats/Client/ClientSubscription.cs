using System.Text;

namespace EdgeSync.Nats.Client;

/// <summary>One subscription of a client, over all links that it outlives.</summary>
public sealed class ClientSubscription
{
    private byte[] _lastSubject = [];
    private string _lastSubjectText = "";

    internal ClientSubscription(int sid, string subject, string queueGroup, int max)
    {
        (Sid, Subject, QueueGroup, Max) = (sid, subject, queueGroup, max);
        SidText = Encoding.ASCII.GetBytes(sid.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    public string Subject { get; }

    /// <summary>Empty without one.</summary>
    public string QueueGroup { get; }

    /// <summary>How many messages it is for; 0: until it is ended.</summary>
    public int Max { get; internal set; }

    public long Delivered { get; internal set; }

    /// <summary>Whoever receives may hang his own thing on it.</summary>
    public object? Receiver { get; set; }

    internal int Sid { get; }

    internal byte[] SidText { get; }

    /// <summary>Ended at the server, but messages may be under way.</summary>
    internal bool IsDraining { get; set; }

    /// <summary>Most subscriptions see few subjects: the last one is not decoded again.</summary>
    internal string TextOf(ReadOnlySpan<byte> subject)
    {
        if (subject.SequenceEqual(_lastSubject)) return _lastSubjectText;

        _lastSubject = subject.ToArray();
        return _lastSubjectText = Encoding.UTF8.GetString(subject);
    }
}
