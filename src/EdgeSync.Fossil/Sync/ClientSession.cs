using System.Buffers;
using System.Globalization;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// One exchange with a server until both sides hold what was asked for. Knows no transport:
/// <code>
///   while (session.TryBuildRequest(now, buffer))          // a decoded message
///   {
///       var reply = post(buffer);                          // or session.OnLost() and once more
///       session.Receive(now, reply);                       // or BeginReply, Feed ..., EndReply for a reply that streams
///   }
///   session.Report
/// </code>
/// A reply is one round of the store: it is committed whole, or nothing of it is. Faults of the peer end the session and
/// stand in the report; they are no exceptions. Spec: xfer.c client_sync.
/// </summary>
public sealed class ClientSession : IDisposable
{
    private static readonly TimeSpan ClockSkewMin = TimeSpan.FromSeconds(10);

    private readonly IArtifactStore _store;
    private readonly ClientOptions _options;
    private readonly Entropy _entropy;
    private readonly Action<SyncProgress>? _observer;
    private readonly XferStream _stream;
    private readonly ArrayBufferWriter<byte> _body = new(4096);
    private readonly AnnouncementBuffer _announcements = new();
    private readonly HashSet<RecordId> _announcedInReply = [];
    private readonly HashSet<RecordId> _stored = [];
    private readonly ClientPull _pull;
    private readonly ClientPush _push;
    private readonly ClientUnversioned _unversioned;
    private readonly ConfigExchange _config;
    private readonly TableExchange? _tables;
    private readonly ClientClone? _clone;

    private SyncActions _actions;
    private SyncReport _report = new();
    private PeerVersion _peer = PeerVersion.Ours with { Number = 20000, Date = 0 };
    private Instant _now;
    private Instant _asked;
    private long _budgetBytes;
    private int _idleRounds;
    private int _artifactsInReply;
    private bool _requestIsOut;
    private bool _inReply;
    private bool _canWrite;
    private bool _replyIsOver;
    private bool _nextIsPrivate;
    private bool _progressed;
    private bool _catalogAsked;
    private bool _configAsked;
    private bool _configDone;
    private bool _lockDone;
    private bool _tablesTold;
    private bool _circleSeen;
    private bool _circlesLeft;
    private bool _mayCloneWay = true;
    private bool _cloneWayAsked;
    private bool _isDueAgain;
    private bool _isOver;

    public ClientSession(
        IArtifactStore store, ClientOptions options, Entropy entropy, Action<SyncProgress>? observer = null)
    {
        (_store, _options, _entropy, _observer) = (store, options, entropy, observer);
        _actions = options.Actions;
        if ((_actions & SyncActions.Clone) != 0)
        {
            _actions &= ~SyncActions.Sync;
            _clone = new ClientClone(store, options);
        }

        _stream = new XferStream(options.Limits);
        _pull = new ClientPull(store, options);
        _push = new ClientPush(store, options);
        _unversioned = new ClientUnversioned(store, options);
        _config = new ConfigExchange(store.Config);
        _tables = Does(SyncActions.Tables) && store.Tables is not null ? new TableExchange(store.Tables, options.Faults) : null;
        _budgetBytes = options.RequestBytesFirst;
        Invariant.Require(_actions != SyncActions.None || options.ConfigPull is not null || options.ConfigPush != 0);
    }

    /// <summary>What happened so far; final once <see cref="TryBuildRequest"/> answers false.</summary>
    public SyncReport Report => _report with
    {
        UnversionedSent = _unversioned.Sent,
        UnversionedReceived = _unversioned.Received,
        UnversionedPushRefused = _unversioned.PushRefused,
        Missing = _pull.Missing,
        Server = _peer,
    };

    /// <summary>
    /// Writes the next request, decoded. False: the session is over. A request stays due until its reply was received or
    /// <see cref="OnLost"/> says that it was lost.
    /// </summary>
    public bool TryBuildRequest(Instant now, IBufferWriter<byte> output)
    {
        Invariant.Require(!_requestIsOut && !_inReply);
        if (_isOver) return false;

        Invariant.Require(_store.Begin(StoreAccess.Read, now));
        try
        {
            if (_report.Rounds > 0 && !HasWork())
            {
                _isOver = true;
                return false;
            }

            _isDueAgain = false;
            _body.ResetWrittenCount();
            if (Does(SyncActions.Push)) _push.Prepare(now);
            WriteBody(new XferWriter(_body));
            WriteLogin(output);
            output.Write(_body.WrittenSpan);
            _report = _report with { BytesSent = _report.BytesSent + _body.WrittenCount };
        }
        finally
        {
            _store.Rollback();
            if (_isOver) EndSession(now);
        }

        _requestIsOut = true;
        _asked = now;
        Observe();
        return true;
    }

    /// <summary>A reply that is there as a whole, decoded.</summary>
    public void Receive(Instant now, ReadOnlyMemory<byte> reply)
    {
        BeginReply(now);
        Feed(new ReadOnlySequence<byte>(reply), isFinal: true, out _);
        EndReply();
    }

    /// <summary>A reply starts to arrive; the store's round begins.</summary>
    public void BeginReply(Instant now)
    {
        Invariant.Require(_requestIsOut && !_inReply);
        _requestIsOut = false;
        _inReply = true;
        _replyIsOver = false;
        _now = now;
        _nextIsPrivate = false;
        _progressed = false;
        _artifactsInReply = 0;
        _announcedInReply.Clear();
        _report = _report with { Rounds = _report.Rounds + 1 };
        _canWrite = _store.Begin(StoreAccess.Write, now);
        if (!_canWrite) Invariant.Require(_store.Begin(StoreAccess.Read, now));
        _push.OnReplyStart();
        _clone?.OnReplyStart(_canWrite);
        if (!_canWrite && (_actions & (SyncActions.Pull | SyncActions.Clone)) != 0)
            Fail(SyncFaultKind.ReadOnly, "the repository is read-only, so nothing can be pulled into it");
    }

    /// <summary>
    /// Takes the cards that are whole from the front of <paramref name="input"/>; the rest, from
    /// <paramref name="consumed"/> on, has to be given again together with what follows. After a fault everything is
    /// swallowed.
    /// </summary>
    public void Feed(ReadOnlySequence<byte> input, bool isFinal, out SequencePosition consumed)
    {
        Invariant.Require(_inReply);
        while (!_replyIsOver)
        {
            var status = _stream.TryRead(input, isFinal, out var card, out consumed);
            if (status == OperationStatus.Done)
            {
                _report = _report with
                {
                    BytesReceived = _report.BytesReceived + input.Slice(input.Start, consumed).Length,
                };
                Handle(card);
                input = input.Slice(consumed);
                continue;
            }

            if (status == OperationStatus.NeedMoreData && !(isFinal && !input.IsEmpty)) return;

            Fail(SyncFaultKind.Protocol, isFinal ? "the server's reply is cut" : "the server's reply is malformed");
        }

        consumed = input.End;
    }

    /// <summary>The reply is complete: commits the round, or takes it back, and decides how to go on.</summary>
    public void EndReply()
    {
        Invariant.Require(_inReply);
        _inReply = false;
        var isCommitted = false;
        try
        {
            if (_report.Fault is null) FlushAnnouncements();
            if (_report.Fault is null && _artifactsInReply > 0 && _clone is null) _store.LinkArrived();
            if (_report.Fault is null) ConcludeRound();
            if (_report.Fault is null && _canWrite)
            {
                isCommitted = true;
                if (!_store.TryCommit(out var fault))
                    Fail(SyncFaultKind.DamagedArtifact, ServerRound.TextOf(fault.Outcome, fault.Id));
            }
        }
        finally
        {
            if (!isCommitted) _store.Rollback();
        }

        _isOver |= _report.Fault is not null;
        Observe();
    }

    /// <summary>
    /// The request or its reply was lost, or refused for its size (<paramref name="tooLarge"/>: HTTP 413): takes back what
    /// the reply brought so far, and makes the next request carry the same again, smaller if need be.
    /// </summary>
    public void OnLost(bool tooLarge = false)
    {
        if (_inReply) _store.Rollback();
        Invariant.Require(_requestIsOut || _inReply);
        (_requestIsOut, _inReply) = (false, false);
        _announcements.Clear();
        _push.OnLost();
        _unversioned.OnLost();
        _clone?.OnLost();
        _catalogAsked = _configAsked = false;
        if (tooLarge) _budgetBytes = Math.Max(16 << 10, _budgetBytes / 4);
    }

    /// <summary>Ends the session without another request, for a reason that lies outside (cancelled, unreachable).</summary>
    public void Dispose()
    {
        if (_inReply) _store.Rollback();
        _inReply = _requestIsOut = false;
        _isOver = true;
        _stream.Dispose();
    }

    private bool Does(SyncActions action) => (_actions & action) != 0;

    // --- building ----------------------------------------------------------------------------------------------------

    private bool HasWork()
    {
        if (_report.Fault is not null) return false;
        if (_idleRounds >= _options.IdleRoundsMax) return false;

        return _isDueAgain
            || _clone is { IsDone: false }
            || (!_configDone && WantedConfig != ConfigAreas.None)
            || (Does(SyncActions.Push) && _push.HasWork)
            || (Does(SyncActions.Unversioned) && _unversioned.HasWork)
            || (_tables is not null && (!_tablesTold || _tables.HasWork))
            || ((Does(SyncActions.Pull) || _clone is not null) && _pull.HasWork());
    }

    private void WriteBody(XferWriter writer)
    {
        var budget = _options.Faults.At(FaultSite.ClientBudgetMin) ? 1 : _budgetBytes;
        var isFirst = _report.Rounds == 0;
        _options.Version.Write(writer, "client-version"u8);
        if (Does(SyncActions.Private)) writer.Pragma("send-private"u8);
        _catalogAsked = false;
        if (_clone is not null) _clone.Write(writer);
        WriteProjectCards(writer, isFirst);
        if (_store.Config.Get("cookie") is { Length: > 0 } cookie) writer.Cookie(cookie);
        if (Does(SyncActions.Pull) || _clone is { AsksForPhantoms: true })
        {
            // Spec: a clone card without a gimme card would be answered with the whole catalogue.
            _cloneWayAsked = _circlesLeft && _mayCloneWay && _pull.HasWork();
            if (_cloneWayAsked) writer.Clone(1, 0);
            _pull.WriteGimmes(writer);

            // Spec: 2.26: clusters lead to what the announcements of new artifacts do not name.
            if (_report.Rounds == 2 && _pull.GimmesWritten > 0 && _peer.KnowsClusterRequest)
                writer.Pragma("req-clusters"u8);
        }

        if (Does(SyncActions.Push)) _push.Write(writer, _peer, budget);
        WriteConfig(writer);

        // In a clone the first round may not be logged in, so the rest waits for the second.
        if (_clone is null || !isFirst)
        {
            if (Does(SyncActions.Unversioned)) _unversioned.Write(writer, budget);
            if (_tables is not null) WriteTables(writer, budget);
        }

        WriteLock(writer);
        Span<byte> random = stackalloc byte[20];
        _entropy.Fill(random);
        writer.Comment(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexString(random)));
    }

    private void WriteProjectCards(XferWriter writer, bool isFirst)
    {
        var wantsCatalog = Does(SyncActions.Push) && _push.WantsCatalog;
        var project = _store.ProjectCode ?? "";
        if (Does(SyncActions.Pull) || wantsCatalog || _clone is { IsPull: true })
        {
            writer.Pull(_store.ServerCode, _options.OtherProjectCode ?? project);
            if ((Does(SyncActions.Verily) && isFirst) || wantsCatalog || _clone is { WantsCatalog: true })
            {
                writer.Pragma("send-catalog"u8);
                _catalogAsked = wantsCatalog;
            }
        }

        if (Does(SyncActions.Push)) writer.Push(_store.ServerCode, project);
    }

    private ConfigAreas WantedConfig =>
        _options.ConfigPull ?? (_clone is not null ? ConfigAreas.All : ConfigAreas.None);

    private void WriteConfig(XferWriter writer)
    {
        _configAsked = false;
        if (_configDone || (_clone is not null && _report.Rounds == 0)) return;

        foreach (var name in ConfigAreaNames.RequestsFor(WantedConfig)) writer.ReqConfig(name);
        if (_options.ConfigPush != 0) _config.SendAreas(_options.ConfigPush, writer);
        _configAsked = true;
    }

    private void WriteTables(XferWriter writer, long budget)
    {
        Invariant.Require(_tables is not null);
        if (_tablesTold) _tables.WriteRequests(writer, !_report.PushRefused, budget);
        else _tables.WriteHashes(writer);
    }

    private void WriteLock(XferWriter writer)
    {
        if (_options.ClientId is null || _clone is not null) return;

        if (_options.Lock is { } request && !_lockDone)
            writer.Pragma("ci-lock"u8, request.Checkin.ToString(), _options.ClientId);
        else if (_options.Lock is null)
            writer.Pragma("ci-unlock"u8, _options.ClientId);
    }

    private void WriteLogin(IBufferWriter<byte> output)
    {
        // A clone's first round does not know the project code, which the secret contains.
        if (_options.Login is not { } login || (_options.OtherProjectCode ?? _store.ProjectCode) is not { } project) return;

        var secret = XferLogin.SharedSecret(project, login.User, login.Password);
        var body = _body.WrittenSpan;
        if (_options.Faults.At(FaultSite.ClientLoginBadNonce)) body = body[..^1];
        XferLogin.Write(new XferWriter(output), login.User, secret, body);
    }

    // --- receiving ---------------------------------------------------------------------------------------------------

    private void Handle(in XferCard card)
    {
        if (card.Kind is not (CardKind.IGot or CardKind.Private)) FlushAnnouncements();
        switch (card.Kind)
        {
            case CardKind.Blank:
                break;
            case CardKind.Comment:
                HandleComment(card.Line);
                break;
            case CardKind.File or CardKind.CFile:
                HandleFile(card);
                break;
            case CardKind.Private:
                _nextIsPrivate = true;
                break;
            case CardKind.IGot when IGotCard.TryParse(card, out var igot):
                _announcements.Add(igot);
                if (_announcements.IsFull) FlushAnnouncements();
                break;
            case CardKind.Gimme when GimmeCard.TryParse(card, out var gimme):
                if (Does(SyncActions.Push)) _push.OnGimme(gimme.Id);
                break;
            case CardKind.IGot or CardKind.Gimme:
                // A name that is none (upper case): nothing to have, nothing to send.
                break;
            case CardKind.UvIGot when UvIGotCard.TryParse(card, out var igot):
                if (Does(SyncActions.Unversioned) && _canWrite) _unversioned.OnAnnounced(igot);
                break;
            case CardKind.UvFile when UvFileCard.TryParse(card, out var file):
                HandleUnversionedFile(file, card.Payload);
                break;
            case CardKind.Push when ProjectCard.TryParse(card, out var project):
                if (_clone?.TryAcceptProject(project.ProjectCode) == false)
                    Fail(SyncFaultKind.WrongProject, "the clone that was begun is of another one");
                break;
            case CardKind.CloneSeqno when CloneSeqnoCard.TryParse(card, out var seqno):
                if (!_options.Faults.At(FaultSite.ClientCloneSeqnoDrop)) _clone?.OnSeqno(seqno.Next);
                break;
            case CardKind.Config when ConfigCard.TryParse(card, out var config):
                HandleConfig(config);
                break;
            case CardKind.Cookie when TextCard.TryParse(card, out var cookie):
                if (_canWrite) _store.Config.Set("cookie", cookie.Text, _now.UnixSeconds);
                break;
            case CardKind.Message when TextCard.TryParse(card, out var message):
                HandleMessage(message.Text);
                break;
            case CardKind.Error when TextCard.TryParse(card, out var error):
                HandleError(error.Text);
                break;
            case CardKind.Pragma when card.Count >= 2:
                HandlePragma(card);
                break;
            case CardKind.Schema or CardKind.XIGot or CardKind.XGimme or CardKind.XRow or CardKind.XDelete:
                HandleTableCard(card);
                break;
            default:
                HandleUnknown(card);
                break;
        }
    }

    private void HandleUnknown(in XferCard card)
    {
        if (!card.Line.IsEmpty && card.Line[0] == (byte)'<')
            Fail(SyncFaultKind.NotAServer, "the server answers with a web page instead of the sync protocol");
        else
            Fail(SyncFaultKind.NotAServer, $"the server sent an unknown command: {XferText.Decode(card[0])}");
    }

    private void HandleComment(ReadOnlySpan<byte> line)
    {
        const int StampLength = 19;
        var prefix = "# timestamp "u8;
        if (!line.StartsWith(prefix) || line.Length < prefix.Length + StampLength) return;

        var stamp = System.Text.Encoding.ASCII.GetString(line.Slice(prefix.Length, StampLength));
        if (!DateTime.TryParseExact(
            stamp,
            "yyyy-MM-dd'T'HH:mm:ss",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time))
            return;

        // The server wrote it some time between our request and this reply, which may be a long time.
        var stamped = Instant.FromDateTime(time);
        var skew = stamped < _asked ? stamped - _asked : stamped > _now ? stamped - _now : TimeSpan.Zero;
        if (skew.Duration() > ClockSkewMin) _report = _report with { ClockSkew = skew };
    }

    private void HandleFile(in XferCard card)
    {
        var isPrivate = _nextIsPrivate;
        _nextIsPrivate = false;

        // A server sends what it was asked for. Anything else is none of ours.
        if (!_canWrite || (_clone is null && !Does(SyncActions.Pull))) return;
        if (isPrivate && !Does(SyncActions.Private)) return;
        if (_options.Faults.At(FaultSite.ClientFileReject)) return;

        PutOutcome outcome;
        ArtifactId id;
        RecordId rid;
        bool isDelta;
        var payload = card.Payload;
        if (_options.Faults.At(FaultSite.ClientFileCorrupt) && payload.Length > 0)
        {
            var damaged = payload.ToArray();
            damaged[damaged.Length / 2] ^= 0x20;
            payload = damaged;
        }

        if (FileCard.TryParse(card, out var file))
        {
            (id, isDelta) = (file.Id, !file.Source.IsEmpty);
            outcome = isDelta
                ? _store.PutDelta(id, file.Source, payload, isPrivate, out rid)
                : _store.PutText(id, payload, isPrivate, out rid);
        }
        else if (CFileCard.TryParse(card, out var compressed))
        {
            (id, isDelta) = (compressed.Id, !compressed.Source.IsEmpty);
            outcome = _store.PutStored(id, compressed.Source, compressed.ExpandedSize, payload, isPrivate, out rid);
        }
        else
        {
            Fail(SyncFaultKind.Protocol, "the server sent a malformed file card");
            return;
        }

        if (outcome is PutOutcome.WrongHash or PutOutcome.BadDelta or PutOutcome.BadCompression or PutOutcome.TooLarge)
        {
            Fail(SyncFaultKind.DamagedArtifact, ServerRound.TextOf(outcome, id));
            return;
        }

        if (outcome == PutOutcome.Circular)
        {
            _circleSeen = true;
            return;
        }

        // What was given up and comes once more is no step forward; so the rounds are bounded by what there is to have.
        _artifactsInReply++;
        _progressed |= outcome is PutOutcome.Stored or PutOutcome.Pending && (_clone is not null || _stored.Add(rid));
        _report = _report with
        {
            ArtifactsReceived = _report.ArtifactsReceived + 1,
            DeltasReceived = _report.DeltasReceived + (isDelta ? 1 : 0),
        };
        if (_artifactsInReply % 256 == 0) Observe();
    }

    private void HandleUnversionedFile(in UvFileCard file, ReadOnlySpan<byte> content)
    {
        if (!Does(SyncActions.Unversioned) || !_canWrite) return;

        var damaged = _options.Faults.At(FaultSite.ClientUvFileCorrupt) && content.Length > 0;
        if (!_unversioned.TryReceive(file, damaged ? content[1..] : content))
            Fail(SyncFaultKind.DamagedArtifact, $"the unversioned file {file.Name} does not have the announced hash");
        _progressed = true;
    }

    private void HandleConfig(in ConfigCard config)
    {
        // Ignored unless it was asked for in this very request.
        if (!_configAsked || !_canWrite) return;
        if (!_config.Receive(config, WantedConfig, _options.ConfigOverwrite)) return;

        _report = _report with { ConfigReceived = _report.ConfigReceived + 1 };
        _progressed = true;
    }

    private void HandleMessage(string text)
    {
        if (text.StartsWith("pull only ", StringComparison.Ordinal) && Does(SyncActions.Push))
        {
            RefusePush();
            return;
        }

        _report = _report with { Messages = [.. _report.Messages, text] };
    }

    private void HandleError(string text)
    {
        // In a clone's first round the login could not be right yet; the codes come along, so the second will do.
        if (_clone is not null && _report.Rounds == 1) return;
        if (_catalogAsked && !Does(SyncActions.Pull) && text.StartsWith("not authorized to read", StringComparison.Ordinal))
        {
            _catalogAsked = false;
            _push.OnCatalogDenied();
            _push.OnLost();
            _replyIsOver = true;
            _progressed = true;
            return;
        }

        if (_cloneWayAsked && text.StartsWith("not authorized to clone", StringComparison.Ordinal))
        {
            _cloneWayAsked = _mayCloneWay = false;
            _push.OnLost();
            _unversioned.OnLost();
            _replyIsOver = true;
            _progressed = true;
            return;
        }

        if (Does(SyncActions.Pull)
            && Does(SyncActions.Push)
            && text.StartsWith("not authorized to write", StringComparison.Ordinal))
        {
            // Differs from Fossil: a user who may only read still gets the pull that sync contains.
            RefusePush();
            _replyIsOver = true;
            _progressed = true;
            return;
        }

        var kind = text switch
        {
            "login failed" => SyncFaultKind.LoginFailed,
            "wrong project" => SyncFaultKind.WrongProject,
            _ when text.StartsWith("not authorized", StringComparison.Ordinal) => SyncFaultKind.Denied,
            _ => SyncFaultKind.ServerError,
        };
        Fail(kind, text);
    }

    private void RefusePush()
    {
        _actions &= ~SyncActions.Push;
        _report = _report with { PushRefused = true };
    }

    private void HandlePragma(in XferCard card)
    {
        var name = card[1];
        if (name.SequenceEqual("server-version"u8) && card.Count >= 3) _peer = PeerVersion.Parse(card);
        else if (name.SequenceEqual("uv-push-ok"u8)) _unversioned.OnPermission(mayPush: true);
        else if (name.SequenceEqual("uv-pull-only"u8))
        {
            // Spec: every answer to a clone card says that, whatever the user may do.
            if (!_cloneWayAsked) _unversioned.OnPermission(mayPush: false);
        }
        else if (name.SequenceEqual("avoid-delta-manifests"u8)) _report = _report with { AvoidDeltaManifests = true };
        else if (name.SequenceEqual("ci-lock-fail"u8) && card.Count == 4)
            _report = _report with { LockHolder = XferText.Decode(card[2]) };
    }

    private void HandleTableCard(in XferCard card)
    {
        if (_tables is null || !_canWrite) return;
        if (!_tables.ReceiveOnClient(card, out var changed))
        {
            Fail(SyncFaultKind.Protocol, "the server sent a malformed table card");
            return;
        }

        if (!changed) return;

        _progressed = true;
        if (card.Kind != CardKind.Schema) _report = _report with { RowsReceived = _report.RowsReceived + 1 };
    }

    private void FlushAnnouncements()
    {
        if (_announcements.IsEmpty) return;
        if (!_canWrite)
        {
            _announcements.Clear();
            return;
        }

        var before = _announcements.PhantomsAdded;
        var pulls = Does(SyncActions.Pull) || _clone is not null;
        _announcements.Apply(
            _store, _announcedInReply, acceptPrivate: Does(SyncActions.Private), addPhantoms: pulls);
        _progressed |= _announcements.PhantomsAdded > before;
    }

    private void ConcludeRound()
    {
        if (_replyIsOver)
        {
            // An error that only narrows the session: the request is due again without what was refused.
            _configAsked = false;
            _isDueAgain = true;
            return;
        }

        _push.RemoteHas.UnionWith(_announcedInReply);
        if (Does(SyncActions.Push))
        {
            _push.OnReplyEnd(_peer, _catalogAsked, _canWrite);
            _progressed |= _push.FilesSent + _push.DeltasSent > 0 || _catalogAsked;
            _report = _report with
            {
                ArtifactsSent = _report.ArtifactsSent + _push.FilesSent + _push.DeltasSent,
                DeltasSent = _report.DeltasSent + _push.DeltasSent,
            };
        }

        if (Does(SyncActions.Pull) || _clone is not null) _pull.OnReplyEnd(_announcedInReply, _artifactsInReply);
        if (_circleSeen && Does(SyncActions.Pull)) LeaveCircles();
        if (Does(SyncActions.Unversioned)) _unversioned.OnReplyEnd();
        if (_tables is not null && (_clone is null || _report.Rounds > 1)) _tablesTold = true;
        _configDone |= _configAsked;
        _lockDone = true;
        _progressed |= _clone is not null && _clone.OnReplyEnd(
            _artifactsInReply, _report.Rounds, _pull.HasWork(), _now);
        _budgetBytes = Math.Min(_budgetBytes * 4, _options.RequestBytesMax);
        _idleRounds = _progressed ? 0 : _idleRounds + 1;
        if (_clone is { Failure: { } failure }) Fail(SyncFaultKind.Stalled, failure);
        if (_canWrite && Does(SyncActions.Push) && _report.Fault is null && !HasWork()) _push.NoteEnd(_now);
    }

    // Stock sends what a file replaced as its delta, by date: contents that came back, or changed their permission alone, are
    // deltas of each other or of themselves, and nothing can be made of them. Asked as by a clone of version 1 it sends the
    // deltas of its repository, which know no circles; what came in the other way is given up, so that the two do not mix.
    private void LeaveCircles()
    {
        _circleSeen = false;
        if (_circlesLeft) return;

        _circlesLeft = true;
        _store.DropWaiting();
        _stored.Clear();
        _pull.StartAgain();
        _progressed = true;
    }

    private void Fail(SyncFaultKind kind, string text)
    {
        _replyIsOver = true;
        if (_report.Fault is null) _report = _report with { Fault = new SyncFault(kind, text) };
    }

    private void EndSession(Instant now)
    {
        if (_report.Fault is not null) return;
        if (_clone is not null) _clone.Finish(now);
        else if (!Does(SyncActions.Pull) || _idleRounds < _options.IdleRoundsMax) return;

        _pull.NoteMissing(now);
    }

    private void Observe() => _observer?.Invoke(new SyncProgress(
        _report.Rounds,
        _report.ArtifactsSent,
        _report.ArtifactsReceived,
        _report.BytesSent,
        _report.BytesReceived,
        _clone?.Seqno ?? 0));
}
