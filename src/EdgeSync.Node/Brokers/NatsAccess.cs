using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// NATS as the agents of a node use it, over any bus: its own broker's, a server's, a simulation's.
/// </summary>
/// <param name="exchange">Limits of exchanges, by the largest message of the bus.</param>
/// <param name="links">Reports links that come up and go down.</param>
internal sealed class NatsAccess(
    INatsBus bus, Func<ExchangeOptions> exchange, NatsLinkEvents links, TimeProvider clock, Entropy entropy,
    ILogger log)
{
    public INatsBus Bus => bus;

    public bool IsConnected => bus.IsConnected;

    public ExchangeOptions Exchange => exchange();

    public NatsLinkEvents Links => links;

    /// <summary>Reads the messages of a stream of announcements after a sequence; null: there is no
    /// JetStream.</summary>
    public Func<NatsStreamSpec, ulong, int, CancellationToken, Task<NatsStreamTail?>>? TailReader { get; init; }

    public ITransport OpenTransport(SyncTarget target, ProjectSubjects subjects) => new NatsTransport(
        bus, Exchange,
        new NatsRoute(
            target.Address, target.Kind == TargetKind.NatsPeer, subjects.SyncOf, links, target.PeerId
            ?? $"peer with project {subjects.ProjectCode[..10]}"),
        clock, entropy);

    /// <summary>Messages published while the link is down are lost.</summary>
    public void Publish(string subject, ReadOnlyMemory<byte> payload)
    {
        if (bus.Publish(subject, payload) is not NatsOutcome.Ok and var outcome)
            log.NatsPublishFailed(subject, outcome);
    }

    /// <summary>A subscription with a queue; an overflow is logged.</summary>
    public NatsMessageQueue Subscribe(string subject, string? queueGroup = null) => new(
        bus, subject, queueGroup,
        () => log.NatsMessageDropped(subject));

    /// <summary>
    /// The messages of the stream of a project's announcements after a sequence; null without JetStream.
    /// </summary>
    public async Task<NatsStreamTail?> ReadTailAsync(
        ProjectSubjects subjects, string? domain, ulong after, int countMax, CancellationToken cancellationToken)
    {
        if (TailReader is null) return null;

        var stream = new NatsStreamSpec(AnnouncementStream.NameOf(subjects), subjects.Commit, domain)
        {
            MessagesMax = AnnouncementStream.MessagesMax,
            BytesMax = AnnouncementStream.BytesMax,
            AgeMax = AnnouncementStream.AgeMax,
            MessageBytesMax = Announcement.BytesMax,
        };
        return await TailReader(stream, after, countMax, cancellationToken);
    }
}
