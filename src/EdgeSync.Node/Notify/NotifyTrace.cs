using EdgeSync.Agent.Notify;
using EdgeSync.Storage.Notify;

namespace EdgeSync.Node.Notify;

/// <summary>What this device knows of a message's way. Spec: iroh-can-news.md §4, A3.</summary>
internal static class NotifyTrace
{
    /// <summary>The number up to which the node has published the messages of this device.</summary>
    public const string PublishedMark = "published";

    /// <summary>Written, published, and for each device that is known: delivered and read.</summary>
    public static IReadOnlyList<NotifyStep> Of(NotifyRepository notify, IndexedMessage message)
    {
        var isOwn = message.From == notify.Device;
        var acks = notify.Queries.AcksOf(message.Id);
        var devices = notify.Devices().Select(device => device.Name).Concat(acks.Select(ack => ack.Device))
            .Where(device => device != message.From && device != notify.Device).Distinct(StringComparer.Ordinal)
            .ToList();
        List<NotifyStep> steps =
        [
            new(
                isOwn ? "Committed to notify.fossil" : $"Received from {message.From}", true,
                NotifyNames.Second(message.Arrived)),
        ];
        if (isOwn) steps.Add(new("NATS published", notify.Queries.Mark(PublishedMark) >= message.Seq, null));
        else steps.Add(new($"Read on {notify.Device}", message.IsRead, null));
        foreach (var device in devices)
        {
            // Who has read it has it.
            var ack = acks.FirstOrDefault(a => a.Device == device);
            steps.Add(new(
                $"Delivered to {device}", ack is not null,
                ack is { IsRead: false } ? NotifyNames.Second(ack.At) : null));
            if (ack is { IsRead: true }) steps.Add(new($"Read on {device}", true, NotifyNames.Second(ack.At)));
        }

        return steps;
    }

    /// <summary>The address that a phone reads from a QR code.</summary>
    public static string PairUrlOf(string endpoint, string nats, string token) =>
        new PairUrl(endpoint, nats, PairingToken.TryParse(token, out var raw) ? raw : token).ToString();
}
