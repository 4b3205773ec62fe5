using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Exchange;

/// <summary>What to do with a request.</summary>
public enum ExchangeStep
{
    /// <summary>Nothing: it is this node's own.</summary>
    Ignore,

    /// <summary>Send the returned reply.</summary>
    Answer,

    /// <summary>
    /// The request is complete: handle it, then <see cref="ExchangeResponder.Reply"/> or <see
    /// cref="ExchangeResponder.Refuse"/>, and <see cref="ExchangeResponder.OnAnswered"/> when that was sent.
    /// </summary>
    Handle,
}

/// <summary>A complete request and the possible forms of its reply.</summary>
/// <param name="PeerId">The requester; null for the original's nodes.</param>
/// <param name="PartBytes">Largest part that the requester accepts; zero: one message only.</param>
/// <param name="Transfer">The request's name, if it has one.</param>
public sealed record ExchangeTicket(string? PeerId, string? ContentType, int PartBytes, string? Transfer = null)
{
    public bool TakesParts => PartBytes > 0;
}

/// <summary>
/// The responding side of exchanges: assembles requests, splits replies into parts and keeps these until they were
/// fetched. Everything kept is bounded in bytes, in number and in time; beyond that, requests are refused with a
/// reason.
/// </summary>
public sealed class ExchangeResponder(ExchangeOptions options, Func<string> nextTransferId)
{
    private const int FinishedMax = 256;
    private const int HandledMax = 1024;
    private const int PartBytesMin = 1024;

    private readonly Dictionary<string, Upload> _uploads = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Download> _downloads = new(StringComparer.Ordinal);
    private readonly Queue<string> _finished = new();
    private readonly HashSet<string> _handled = new(StringComparer.Ordinal);

    /// <summary>Bytes of transfers under way.</summary>
    public long HeldBytes { get; private set; }

    public int Transfers => _uploads.Count + _downloads.Count;

    /// <summary>When <see cref="OnDeadline"/> has something to drop; null: nothing is kept.</summary>
    public Instant? Deadline
    {
        get
        {
            Instant? first = null;
            foreach (var transfer in _uploads.Values.Cast<Transfer>().Concat(_downloads.Values))
                if (first is null || transfer.Until < first)
                    first = transfer.Until;
            return first;
        }
    }

    /// <summary>
    /// Receives a request. <paramref name="message"/> is the whole request for <see cref="ExchangeStep.Handle"/> and
    /// the reply for <see cref="ExchangeStep.Answer"/>.
    /// </summary>
    public ExchangeStep OnRequest(
        Instant now, ExchangeHead head, ReadOnlyMemory<byte> body, out ExchangeTicket ticket,
        out ExchangeMessage message)
    {
        ticket = new ExchangeTicket(head.Peer, head.ContentType, head.AcceptPartBytes, head.Transfer);
        message = new ExchangeMessage(head, body);
        if (head.Peer == options.NodeId) return ExchangeStep.Ignore;

        if (head.Fetch is { } fetch)
        {
            message = Part(now, fetch, head.Part);
            return ExchangeStep.Answer;
        }

        if (head.Ask is { } asked)
        {
            message = _handled.Contains(asked)
                ? new ExchangeMessage(new ExchangeHead { Peer = options.NodeId, Ask = asked }, default)
                : Refuse(ExchangeRefusal.Gone, "unknown request: already answered, or never received");
            return ExchangeStep.Answer;
        }

        if (_handled.Count >= HandledMax)
            return Refused(ExchangeRefusal.Busy, "too many requests wait already", ref message);

        var step = head.Transfer is null || head.Parts == 0
            ? ExchangeStep.Handle
            : OnPart(now, head.Transfer, head, body, ref message);
        if (step == ExchangeStep.Handle && head.Transfer is not null) _handled.Add(head.Transfer);
        return step;
    }

    /// <summary>The reply to a whole request is on its way: the request is no longer in progress.</summary>
    public void OnAnswered(ExchangeTicket ticket)
    {
        if (ticket.Transfer is not null) _handled.Remove(ticket.Transfer);
    }

    /// <summary>
    /// The reply to a whole request: the message itself, its first part, or a refusal when it does not fit into one
    /// message and parts are not supported.
    /// </summary>
    public ExchangeMessage Reply(Instant now, ExchangeTicket ticket, ReadOnlyMemory<byte> body, string? contentType)
    {
        if (body.IsEmpty) return Refuse(ExchangeRefusal.Failed, "the reply is empty");

        var head = new ExchangeHead { Peer = options.NodeId, ContentType = contentType };
        var partBytes = Math.Min(options.PartBytesHere, ticket.PartBytes);
        var isOneMessage = body.Length <= (
            ticket.TakesParts ? Math.Max(partBytes, PartBytesMin) : options.MessageBytesMax);
        if (isOneMessage) return new ExchangeMessage(head, body);

        if (!ticket.TakesParts || partBytes < PartBytesMin)
            return Refuse(
                ExchangeRefusal.TooLarge,
                Sentence($"a reply of {body.Length} bytes; one message holds {options.MessageBytesMax}"));
        if (body.Length > options.WholeBytesMax)
            return Refuse(
                ExchangeRefusal.TooLarge,
                Sentence($"a reply of {body.Length} bytes, the limit is {options.WholeBytesMax}"));
        if (!TryMakeRoom(body.Length)) return Refuse(ExchangeRefusal.Busy, "too many replies wait to be fetched");

        var id = nextTransferId();
        var download = new Download(body, partBytes, head) { Until = now + options.IdleMax };
        _downloads[id] = download;
        HeldBytes += body.Length;
        return new ExchangeMessage(
            head with { Transfer = id, Part = 0, Parts = download.Parts, Size = body.Length }, download.BodyOf(0));
    }

    /// <summary>The largest framed reply that <see cref="Reply"/> can send.</summary>
    public int ReplyBytesMax(ExchangeTicket ticket) =>
        ticket.TakesParts && ticket.PartBytes >= PartBytesMin ? options.WholeBytesMax : options.MessageBytesMax;

    /// <summary>A refusal with its reason.</summary>
    public ExchangeMessage Refuse(ExchangeRefusal refusal, string reason) =>
        new(new ExchangeHead { Peer = options.NodeId, Refusal = refusal, Reason = reason }, default);

    /// <summary>Drops transfers without progress.</summary>
    public void OnDeadline(Instant now)
    {
        foreach (var (id, upload) in _uploads.ToList())
            if (upload.Until <= now)
                Drop(id, upload);
        foreach (var (id, download) in _downloads.ToList())
            if (download.Until <= now)
                Drop(id, download);
    }

    private ExchangeStep OnPart(
        Instant now, string id, ExchangeHead head, ReadOnlyMemory<byte> body, ref ExchangeMessage message)
    {
        if (_finished.Contains(id)) return Refused(ExchangeRefusal.Gone, "that request was whole already", ref message);
        if (!_uploads.TryGetValue(id, out var upload))
        {
            if (head.Size > options.WholeBytesMax)
                return Refused(
                    ExchangeRefusal.TooLarge,
                    Sentence($"a request of {head.Size} bytes, the limit is {options.WholeBytesMax}"), ref message);
            if (head.Size <= 0 || head.Parts > head.Size || body.IsEmpty)
                return Refused(ExchangeRefusal.Failed, "the request's parts make no sense", ref message);
            if (!TryMakeRoom(0))
                return Refused(ExchangeRefusal.Busy, "too many requests are on their way in", ref message);

            _uploads[id] = upload = new Upload(head.Peer, head.Parts, head.Size);
        }

        if (upload.Peer != head.Peer || upload.Parts.Length != head.Parts || upload.Size != head.Size)
        {
            Drop(id, upload);
            return Refused(ExchangeRefusal.Failed, "the request's parts contradict each other", ref message);
        }

        upload.Until = now + options.IdleMax;
        if (upload.Parts[head.Part] is null && !TryKeep(upload, head.Part, body))
        {
            Drop(id, upload);
            return Refused(ExchangeRefusal.Busy, "too many bytes are on their way in", ref message);
        }

        if (upload.MissingParts > 0)
        {
            message = new ExchangeMessage(new ExchangeHead { Peer = options.NodeId, Stored = head.Part }, default);
            return ExchangeStep.Answer;
        }

        Drop(id, upload);
        _finished.Enqueue(id);
        if (_finished.Count > FinishedMax) _finished.Dequeue();
        if (upload.ReceivedBytes != upload.Size)
            return Refused(ExchangeRefusal.Failed, "the parts of the request do not fit together", ref message);

        message = new ExchangeMessage(head, upload.ToWhole());
        return ExchangeStep.Handle;
    }

    private ExchangeStep Refused(ExchangeRefusal refusal, string reason, ref ExchangeMessage message)
    {
        message = Refuse(refusal, reason);
        return ExchangeStep.Answer;
    }

    private ExchangeMessage Part(Instant now, string id, int part)
    {
        if (!_downloads.TryGetValue(id, out var download) || part >= download.Parts)
            return Refuse(ExchangeRefusal.Gone, "that reply is not kept any more");

        download.Until = now + options.IdleMax;
        var answer = new ExchangeMessage(
            download.Head with { Transfer = id, Part = part, Parts = download.Parts }, download.BodyOf(part));

        // The last part may get lost and be requested again, so the reply is kept for a short time.
        if (download.CountFetched(part)) download.Until = now + options.ReplyTimeout;
        return answer;
    }

    private bool TryKeep(Upload upload, int part, ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty || upload.ReceivedBytes + body.Length > upload.Size) return false;
        if (HeldBytes + body.Length > options.HeldBytesMax && !TryMakeRoom(body.Length)) return false;

        upload.Parts[part] = body.ToArray();
        upload.ReceivedBytes += body.Length;
        upload.MissingParts--;
        HeldBytes += body.Length;
        return true;
    }

    /// <summary>
    /// Completely fetched replies are dropped first; others wait for their timeout, and new ones are refused.
    /// </summary>
    private bool TryMakeRoom(long bytes)
    {
        foreach (var (id, download) in _downloads.ToList())
        {
            if (Transfers < options.TransfersMax && HeldBytes + bytes <= options.HeldBytesMax) break;
            if (download.IsFetched) Drop(id, download);
        }

        return Transfers < options.TransfersMax && HeldBytes + bytes <= options.HeldBytesMax;
    }

    private void Drop(string id, Upload upload)
    {
        _uploads.Remove(id);
        HeldBytes -= upload.ReceivedBytes;
    }

    private void Drop(string id, Download download)
    {
        _downloads.Remove(id);
        HeldBytes -= download.Body.Length;
    }

    private static string Sentence(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private abstract class Transfer
    {
        public Instant Until { get; set; }
    }

    private sealed class Upload(string? peer, int parts, long size) : Transfer
    {
        public string? Peer => peer;

        public long Size => size;

        public byte[]?[] Parts { get; } = new byte[]?[parts];

        public int MissingParts { get; set; } = parts;

        public long ReceivedBytes { get; set; }

        public byte[] ToWhole()
        {
            var whole = new byte[ReceivedBytes];
            var at = 0;
            foreach (var part in Parts)
            {
                part!.CopyTo(whole, at);
                at += part!.Length;
            }

            return whole;
        }
    }

    private sealed class Download(ReadOnlyMemory<byte> body, int partBytes, ExchangeHead head) : Transfer
    {
        private int _left = ((body.Length + partBytes - 1) / partBytes) - 1;

        public ReadOnlyMemory<byte> Body => body;

        public ExchangeHead Head => head;

        public int Parts { get; } = (body.Length + partBytes - 1) / partBytes;

        public bool IsFetched => _left <= 0;

        public ReadOnlyMemory<byte> BodyOf(int part) =>
            body.Slice(part * partBytes, Math.Min(partBytes, body.Length - (part * partBytes)));

        /// <summary>
        /// Counts requests, not parts: an estimate of when to hurry. True once as many were sent as there are.
        /// </summary>
        public bool CountFetched(int part)
        {
            if (part > 0) _left--;
            return IsFetched;
        }
    }
}
