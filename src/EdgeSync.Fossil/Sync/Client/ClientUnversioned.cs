using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The client's side of unversioned files. Spec: xfer.c client_sync, unversioned.c.</summary>
internal sealed class ClientUnversioned(IArtifactStore store, ClientOptions options) : IClientExchange
{
    private const int AttemptsMax = 3;

    private readonly bool _isActive = (options.Actions & SyncActions.Unversioned) != 0;
    private readonly IUnversionedStore _files = store.Unversioned;
    private readonly Dictionary<string, int> _requested = new(StringComparer.Ordinal);
    private readonly List<string> _inFlight = [];

    // Files that the server has not named, or has in an older version; true: only their time.
    private readonly SortedDictionary<string, bool> _toSend = new(StringComparer.Ordinal);
    private bool _hashSent;
    private bool _mayPush;
    private bool _pullOnly;
    private bool _asksAsClone;
    private int _sent;
    private int _received;
    private bool _isPushRefused;

    /// <summary>Files sent, those of the present request too.</summary>
    public int Sent => _sent + _inFlight.Count;

    public int Received => _received;

    public bool HasWork => _isActive && (MayRequest() || (_mayPush && _toSend.Count > 0));

    public void Write(XferWriter writer, in ClientRequest request)
    {
        _asksAsClone = request.AsksAsClone;
        _inFlight.Clear();
        if (!_isActive || request.IsAnonymous) return;

        if (!_hashSent)
        {
            foreach (var entry in _files.List())
                if (!entry.IsDeletion)
                    _toSend[entry.Name] = false;
            Invariant.Require(ArtifactId.TryParse(_files.CatalogHash, out var hash));
            writer.Pragma("uv-hash"u8, hash);
            _hashSent = true;
        }

        foreach (var (name, attempts) in _requested)
            if (attempts < AttemptsMax)
                writer.UvGimme(name);
        if (!_mayPush) return;

        foreach (var (name, timeOnly) in _toSend)
        {
            if (writer.BytesWritten >= request.BudgetBytes) break;

            _inFlight.Add(name);
            if (!_files.TryFind(name, out var entry)) continue;
            if (timeOnly) writer.UvFileWithoutContent(name, entry.MtimeSeconds, entry.Hash, entry.Size);
            else if (entry.IsDeletion) writer.UvFile(name, entry.MtimeSeconds, default, default);
            else if (_files.TryRead(name, out var content))
                writer.UvFile(name, entry.MtimeSeconds, entry.Hash, content);
        }
    }

    public bool TryReceive(in XferCard card, ClientRound round)
    {
        switch (card.Kind)
        {
            case CardKind.UvIGot when UvIGotCard.TryParse(card, out var igot):
                if (_isActive && round.CanWrite) OnAnnounced(igot);
                return true;
            case CardKind.UvFile when UvFileCard.TryParse(card, out var file):
                if (!_isActive || !round.CanWrite) return true;
                if (!TryReceive(file, card.Payload))
                    round.Fail(
                        SyncFaultKind.DamagedArtifact,
                        $"the unversioned file {file.Name} does not have the announced hash");
                round.HasProgress = true;
                return true;
            case CardKind.Pragma when card[1].SequenceEqual("uv-push-ok"u8):
                OnPermission(mayPush: true);
                return true;
            case CardKind.Pragma when card[1].SequenceEqual("uv-pull-only"u8):
                // Spec: every reply to a clone card has it, whatever the capabilities of the user are.
                if (!_asksAsClone) OnPermission(mayPush: false);
                return true;
            default:
                return false;
        }
    }

    public void OnReplyEnd()
    {
        if (!_isActive) return;

        foreach (var name in _inFlight) _toSend.Remove(name);
        _sent += _inFlight.Count;
        _inFlight.Clear();
        foreach (var name in _requested.Keys.ToList()) _requested[name]++;
        if (_pullOnly && !IsRevert && _toSend.Count > 0)
        {
            _isPushRefused = true;
            _toSend.Clear();
        }

        if (!IsRevert || !_pullOnly) return;

        // A file that the server did not name does not exist there.
        foreach (var name in _toSend.Keys) _files.Forget(name);
        _toSend.Clear();
    }

    public void OnLost() => _inFlight.Clear();

    public SyncReport AddTo(SyncReport report) => report with
    {
        UnversionedSent = _sent,
        UnversionedReceived = _received,
        UnversionedPushRefused = _isPushRefused,
    };

    private bool IsRevert => (options.Actions & SyncActions.UnversionedRevert) != 0;

    private bool MayRequest()
    {
        foreach (var attempts in _requested.Values)
            if (attempts < AttemptsMax)
                return true;
        return false;
    }

    private void OnPermission(bool mayPush)
    {
        if (mayPush && !IsRevert) _mayPush = true;
        else _pullOnly = true;
    }

    private void OnAnnounced(in UvIGotCard igot)
    {
        var status = UnversionedRules.Compare(_files, igot.Name, igot.MtimeSeconds, igot.Hash);
        if (IsRevert && status == UnversionedStatus.Push) status = UnversionedStatus.Pull;
        if (IsRevert && status == UnversionedStatus.PushTime) status = UnversionedStatus.PullTime;
        switch (status)
        {
            // Differs from Fossil: it deletes the local file before the new content is here.
            case UnversionedStatus.Absent or UnversionedStatus.Pull when !igot.Hash.IsEmpty:
                _requested[igot.Name] = 0;
                break;
            case UnversionedStatus.Absent or UnversionedStatus.Pull:
                _files.Delete(igot.Name, igot.MtimeSeconds);
                _received++;
                break;
            case UnversionedStatus.PullTime:
                _files.Touch(igot.Name, igot.MtimeSeconds);
                _received++;
                break;
        }

        if (status <= UnversionedStatus.Same) _toSend.Remove(igot.Name);
        else if (_pullOnly) _isPushRefused |= _toSend.Remove(igot.Name) || !IsRevert;
        else _toSend[igot.Name] = status == UnversionedStatus.PushTime;
    }

    /// <summary>False: the content does not match the hash. What was not requested is ignored.</summary>
    private bool TryReceive(in UvFileCard file, ReadOnlySpan<byte> content)
    {
        if (!_requested.ContainsKey(file.Name)) return true;

        var hasContent = file.HasContent && !file.Hash.IsEmpty;
        if (options.Faults.At(FaultSite.ClientUvFileCorrupt) && content.Length > 0) content = content[1..];
        if (hasContent && !ArtifactHash.Matches(file.Hash, content)) return false;
        if (options.Faults.At(FaultSite.ClientUvFileReject)) return true;

        _requested.Remove(file.Name);
        var status = UnversionedRules.Compare(_files, file.Name, file.MtimeSeconds, file.Hash);
        if (!IsRevert && status > UnversionedStatus.PullTime) return true;
        if (file.Hash.IsEmpty) _files.Delete(file.Name, file.MtimeSeconds);
        else if (status is UnversionedStatus.PullTime or UnversionedStatus.PushTime)
            _files.Touch(file.Name, file.MtimeSeconds);
        else if (hasContent)
            _files.Put(new UnversionedEntry(file.Name, file.MtimeSeconds, file.Hash, content.Length), content);
        else return true;

        _received++;
        return true;
    }
}
