using System.Text;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Client;

/// <summary>The subscriptions of a client by their sid.</summary>
internal sealed class SubscriptionTable
{
    private readonly Dictionary<int, ClientSubscription> _bySid = [];
    private int _lastSid = RequestMux.SidNumber;

    public ClientSubscription Add(string subject, string queueGroup, int max)
    {
        var subscription = new ClientSubscription(++_lastSid, subject, queueGroup, max);
        _bySid.Add(subscription.Sid, subscription);
        return subscription;
    }

    public bool Remove(ClientSubscription subscription) => _bySid.Remove(subscription.Sid);

    public ClientSubscription? Find(int sid) => _bySid.GetValueOrDefault(sid);

    public IReadOnlyList<ClientSubscription> ToList() => [.. _bySid.Values];

    /// <summary>All of them for a new link, whose server knows none.</summary>
    public void WriteAll(OutputBuffer output)
    {
        foreach (var subscription in _bySid.Values) WriteSub(output, subscription);
    }

    public static void WriteSub(OutputBuffer output, ClientSubscription subscription)
    {
        NatsOpWriter.WriteSub(
            output, Encoding.UTF8.GetBytes(subscription.Subject), Encoding.UTF8.GetBytes(subscription.QueueGroup), subscription.SidText);

        // Spec: the server counts from its SUB, so a later link is for what is left.
        if (subscription.Max > 0)
            NatsOpWriter.WriteUnsub(output, subscription.SidText, (int)(subscription.Max - subscription.Delivered));
    }
}
