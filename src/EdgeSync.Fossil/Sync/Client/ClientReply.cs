using System.Buffers;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>Reads the cards of a reply and brings each to the part of the session that it concerns.</summary>
/// <param name="observe">Called now and then while artifacts arrive.</param>
internal sealed class ClientReply(
    IArtifactStore store, ClientOptions options, ClientRound round, ServerMetadata server, ClientArtifacts artifacts,
    IClientExchange[] exchanges, Action observe) : IDisposable
{
    private const int ArtifactsPerProgress = 256;

    private readonly XferStream _stream = new(options.Limits);

    /// <summary>Of all replies, decoded.</summary>
    public long BytesReceived { get; private set; }

    public void Start() => _stream.Reset();

    /// <inheritdoc cref="ClientSession.Feed"/>
    public void Feed(ReadOnlySequence<byte> input, bool isFinal, out SequencePosition consumed)
    {
        while (!round.IsOver)
        {
            var status = _stream.TryRead(input, isFinal, out var card, out consumed);
            if (status == OperationStatus.Done)
            {
                BytesReceived += input.Slice(input.Start, consumed).Length;
                Handle(card);
                input = input.Slice(consumed);
                continue;
            }

            if (status == OperationStatus.NeedMoreData && !(isFinal && !input.IsEmpty)) return;

            round.Fail(
                SyncFaultKind.Protocol, isFinal ? "the server's reply is cut" : "the server's reply is malformed");
        }

        consumed = input.End;
    }

    public void Dispose() => _stream.Dispose();

    private void Handle(in XferCard card)
    {
        // First, because any card but an announcement makes it look up the announcements before it.
        if (artifacts.TryReceive(card, round))
        {
            if (card.Kind is CardKind.File or CardKind.CFile && round.Fault is null
                && artifacts.ReceivedInReply % ArtifactsPerProgress == ArtifactsPerProgress - 1)
                observe();
            return;
        }

        switch (card.Kind)
        {
            case CardKind.Blank:
                return;
            case CardKind.Comment:
                server.OnComment(card.Line, round.AskedAt, round.AnsweredAt);
                return;
            case CardKind.Cookie when TextCard.TryParse(card, out var cookie):
                if (round.CanWrite) store.Config.Set("cookie", cookie.Text, round.AnsweredAt.UnixSeconds);
                return;
            case CardKind.Message when TextCard.TryParse(card, out var message):
                HandleMessage(message.Text);
                return;
            case CardKind.Error when TextCard.TryParse(card, out var error):
                HandleError(error.Text);
                return;
            case CardKind.Pragma when card.Count >= 2:
                // An unknown one is ignored.
                if (!server.TryTake(card)) TryExchange(card);
                return;
            case CardKind.Pragma:
                break;
            default:
                if (TryExchange(card)) return;
                break;
        }

        round.Fail(SyncFaultKind.NotAServer, SyncFault.TextOfUnknown(card));
    }

    private bool TryExchange(in XferCard card)
    {
        foreach (var exchange in exchanges)
            if (exchange.TryReceive(card, round))
                return true;
        return false;
    }

    private void HandleMessage(string text)
    {
        if (!text.StartsWith("pull only ", StringComparison.Ordinal) || !artifacts.TryRefusePush())
            server.OnMessage(text);
    }

    private void HandleError(string text)
    {
        // In a clone's first round the login could not be right yet; the codes come along, so the second will do.
        if (artifacts.IsClone && round.Number == 1) return;

        if (artifacts.TryNarrow(text)) round.Narrow();
        else round.Fail(SyncFault.KindOf(text), text);
    }
}
