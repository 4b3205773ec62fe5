using System.Buffers;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>Handles one request: the cards in turn, each against the capabilities of the login.</summary>
internal sealed class ServerRound
{
    private readonly IArtifactStore _store;
    private readonly ServerOptions _options;
    private readonly Instant _now;
    private readonly string _address;
    private readonly bool _canWrite;
    private readonly bool _isReadOnly;
    private readonly PooledBytes _reply;
    private readonly AnnouncementBuffer _announcements = new();
    private readonly long _replyBytesMax;
    private readonly ServerAccess _access;
    private readonly ServerSending _sending;
    private readonly ServerUnversioned _unversioned;
    private readonly ConfigExchange _config;
    private readonly TableExchange? _tables;

    private XferWriter _writer;
    private bool _isPull;
    private bool _isPush;
    private bool _nextIsPrivate;
    private bool _isCloneAnswered;
    private int _errors;

    /// <param name="canWrite">The round holds the write lock.</param>
    /// <param name="isReadOnly">The write lock was requested and is not available.</param>
    public ServerRound(
        IArtifactStore store,
        ServerOptions options,
        Instant now,
        string address,
        bool canWrite,
        bool isReadOnly,
        PooledBytes reply)
    {
        (_store, _options, _now, _address, _reply) = (store, options, now, address, reply);
        (_canWrite, _isReadOnly) = (canWrite, isReadOnly);
        _writer = new XferWriter(reply);
        _access = new ServerAccess(store, options);
        _replyBytesMax = Math.Min(options.ReplyBytesMax, SettingOf("max-download", long.MaxValue));
        _sending = new ServerSending(store, options, now, _replyBytesMax);
        _unversioned = new ServerUnversioned(store, options, now);
        _config = new ConfigExchange(store.Config);
        _tables = store.Tables is null ? null : new TableExchange(store.Tables, options.Faults);
    }

    /// <summary>True once the request is rejected: the round must be rolled back.</summary>
    public bool IsFailed { get; private set; }

    public bool HasStored { get; private set; }

    public ServerOutcome Outcome { get; private set; } = new();

    /// <param name="loginCard">A login card that arrived beside the message and signs all of it; empty if none
    /// did.</param>
    public void Process(ReadOnlySpan<byte> request, ReadOnlySpan<byte> loginCard)
    {
        LogInBeside(loginCard, request);
        var reader = new XferReader(request, isFinal: true, _options.Limits);
        while (!IsFailed)
        {
            var status = reader.TryRead(out var card);
            if (status == OperationStatus.NeedMoreData && reader.IsAtEnd) break;
            if (status != OperationStatus.Done)
            {
                Fail(MalformedTextOf(card.Kind));
                return;
            }

            if (card.Kind is not (CardKind.IGot or CardKind.Private)) FlushAnnouncements();
            Handle(card, request[reader.Consumed..]);
        }

        if (IsFailed) return;

        FlushAnnouncements();
        if (_announcements.LeftOut > 0)
            _writer.Message(
                $"{_announcements.LeftOut} of the announced artifacts exceed the limit of one exchange; sync again "
                    + $"for them");
        Outcome = Outcome with { ArtifactsSent = Outcome.ArtifactsSent + _sending.AnswerGimmes(_writer) };
        if (_isPush)
        {
            // A manifest that just arrived may name files that were not announced.
            if (HasStored) _store.LinkArrived();
            _sending.AskForPhantoms(_writer);
            if (_sending.Circular.Count > 0)
                _writer.Message(
                    $"{_sending.Circular.Count} artifacts came as deltas that lead back to themselves, and were not "
                        + $"taken");
        }

        if (_isPull) _sending.Announce(_canWrite, _writer);
    }

    /// <summary>Replaces the reply so far by an error.</summary>
    public void Fail(string text) => Fail(text, default);

    public void WriteTimestamp() => ServerHandler.WriteTimestamp(_writer, _now, _errors);

    private void Fail(string text, ReadOnlySpan<byte> peerBytes)
    {
        DropReply();
        _writer.Error(text, peerBytes);
        Outcome = Outcome with { Error = text };
        _errors++;
        IsFailed = true;
    }

    private void DropReply()
    {
        _reply.Clear();
        _writer = new XferWriter(_reply);
    }

    private void Handle(in XferCard card, ReadOnlySpan<byte> rest)
    {
        switch (card.Kind)
        {
            case CardKind.Comment:
                break;
            case CardKind.Login when LoginCard.TryParse(card, out var login):
                HandleLogin(login, rest);
                break;
            case CardKind.Pull or CardKind.Push when ProjectCard.TryParse(card, out var project):
                HandleProject(card.Kind, project);
                break;
            case CardKind.Clone when CloneCard.TryParse(card, out var clone):
                HandleClone(clone);
                break;
            case CardKind.File or CardKind.CFile:
                HandleFile(card);
                break;
            case CardKind.Private:
                HandlePrivate();
                break;
            case CardKind.IGot when IGotCard.TryParse(card, out var igot):
                HandleAnnouncement(igot);
                break;
            case CardKind.Gimme when GimmeCard.TryParse(card, out var gimme):
                if (_isPull) _sending.OnGimme(gimme, _writer);
                break;
            case CardKind.UvFile:
                HandleUnversionedFile(card);
                break;
            case CardKind.UvGimme when UvGimmeCard.TryParse(card, out var gimme):
                if (_access.May.MayRead) _unversioned.Send(gimme.Name, _writer, _replyBytesMax);
                break;
            case CardKind.Config when ConfigCard.TryParse(card, out var config):
                HandleConfig(config);
                break;
            case CardKind.ReqConfig when TextCard.TryParse(card, out var name):
                if (_access.May.MayRead) _config.Send(name.Text, _access.May, _writer);
                Note("config");
                break;
            case CardKind.Cookie when card.Count == 2:
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

    // Spec: xfer.c: the reply so far is lost, the rest of the request is still handled.
    private void HandleUnknown(in XferCard card)
    {
        // Differs from Fossil: upper-case names make useless phantoms there; here they are invalid names.
        if (card.Kind is CardKind.IGot or CardKind.Gimme && IsUpperCaseName(card[1])) return;

        DropReply();
        _writer.Error("bad command: ", [.. card.Line, (byte)'\n']);
        Outcome = Outcome with { Error = "bad command" };
    }

    private static bool IsUpperCaseName(ReadOnlySpan<byte> token) =>
        token.Length is 40 or 64 && token.IndexOfAnyExcept(HexOfBothCases) < 0;

    private static readonly SearchValues<byte> HexOfBothCases = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private static string MalformedTextOf(CardKind kind) => kind switch
    {
        CardKind.File => "malformed file line",
        CardKind.CFile => "malformed cfile line",
        CardKind.UvFile => "malformed uvfile line",
        CardKind.Config => "malformed config line",
        _ => "malformed message",
    };

    // Only login cards: no nonce covers other cards. Spec: xfer.c page_xfer, zLoginCard.
    private void LogInBeside(ReadOnlySpan<byte> cards, ReadOnlySpan<byte> message)
    {
        foreach (var line in cards.Split((byte)'\n'))
            if (!IsFailed && LoginCard.TryParse(new XferCard(cards[line]), out var login))
                HandleLogin(login, message);
    }

    private void HandleLogin(in LoginCard login, ReadOnlySpan<byte> rest)
    {
        if (_options.Logins is { } gate && !gate.IsOpen(login.User))
        {
            Fail("too many failed logins; wait a minute");
            Outcome = Outcome with { LoginFailed = true, LoginMustWait = true };
            return;
        }

        var isRight = _access.TryLogIn(login, rest);
        if (!isRight || _access.Account is not null) _options.Logins?.OnLogin(login.User, isRight);
        if (!isRight)
        {
            RefuseLogin();
            return;
        }

        if (_access.Account is not { } account) return;

        Outcome = Outcome with { Login = account.Login };
        var nonce = System.Text.Encoding.ASCII.GetString(login.Nonce);
        if (_canWrite && !_store.TrySetSender(new Sender(account.UserId, nonce, _address))) RefuseLogin();
    }

    private void RefuseLogin()
    {
        Fail("login failed");
        Outcome = Outcome with { Login = null, LoginFailed = true };
    }

    private void HandleProject(CardKind kind, in ProjectCard project)
    {
        if (project.ProjectCode != _store.ProjectCode)
        {
            Fail("wrong project");
            return;
        }

        if (kind == CardKind.Pull)
        {
            if (!_access.May.MayRead)
            {
                Fail("not authorized to read");
                return;
            }

            _isPull = true;
            Note("pull");
            return;
        }

        if (!_access.May.MayWrite)
        {
            if (_isPull) _writer.Message("pull only - not authorized to push");
            else Fail("not authorized to write");
            return;
        }

        if (!_canWrite)
        {
            if (_isPull) _writer.Message("pull only - the repository is read-only");
            else Fail("not authorized to write: the repository is read-only");
            return;
        }

        if (_access.Account is null || _options.OwnerLogin is not null)
            Invariant.Require(_store.TrySetSender(new Sender(_access.Account?.UserId ?? 0, null, _address)));
        _isPush = true;
        Note("push");
    }

    private void HandleClone(in CloneCard clone)
    {
        if (!_access.May.MayClone)
        {
            DropReply();
            WriteCodes();
            _writer.Error("not authorized to clone");
            Outcome = Outcome with { Error = "not authorized to clone" };
            _errors++;
            IsFailed = true;
            return;
        }

        Note("clone");
        if (_isCloneAnswered) return;   // one batch per reply, as a client expects

        _isCloneAnswered = true;
        if (SettingOf("uv-sync", 0) != 0) _unversioned.SendCatalogInClone(_writer);
        if (clone.Version < 2)
        {
            _sending.IsClone1 = true;
            _isPull = true;
        }
        else
        {
            if (clone.Version >= 3) Outcome = Outcome with { MustBePlain = true };
            var (next, sent) = CloneBatch.Write(
                _store,
                _writer,
                clone,
                _sending.Peer,
                _sending.WithPrivate,
                _options.Faults.At(FaultSite.ServerCloneBatchSmall) ? 1 : _replyBytesMax);
            Outcome = Outcome with { ArtifactsSent = Outcome.ArtifactsSent + sent };
            _writer.CloneSeqno(next);
        }

        // Spec: the client queues its next clone card when it reads this one, so it follows clone_seqno.
        WriteCodes();
    }

    private void WriteCodes() => _writer.Push(_store.ServerCode, _store.ProjectCode ?? "x");

    private void HandleFile(in XferCard card)
    {
        if (!_isPush)
        {
            Fail("not authorized to write");
            return;
        }

        var isPrivate = _nextIsPrivate;
        _nextIsPrivate = false;
        if (isPrivate && !_access.May.MaySyncPrivate) return;

        if (!ArtifactCard.TryParse(card, out var artifact))
        {
            Fail(MalformedTextOf(card.Kind));
            return;
        }

        if (_options.Faults.At(FaultSite.ServerFileReject)) return;

        if (_options.Faults.At(FaultSite.ServerFileCorrupt)) artifact = artifact.Damaged();
        var outcome = artifact.Put(_store, isPrivate, out var rid);
        if (outcome is PutOutcome.Stored or PutOutcome.Pending or PutOutcome.AlreadyHeld or PutOutcome.Shunned)
        {
            if (!rid.IsNone)
            {
                _sending.Arrived.Add(rid);
                _sending.RemoteHas.Add(rid);
            }

            HasStored |= outcome is PutOutcome.Stored or PutOutcome.Pending;
            Outcome = Outcome with { ArtifactsReceived = Outcome.ArtifactsReceived + 1 };
            return;
        }

        if (outcome == PutOutcome.Circular)
        {
            _sending.Circular.Add(artifact.Id);
            _options.DeltaCycleArrivals.Note(artifact.Id, _now);
            return;
        }

        Fail(ArtifactCard.TextOf(outcome, artifact.Id));
    }

    // Differs from Fossil, which stores the file as a public one when the client may not send private content.
    private void HandlePrivate()
    {
        _nextIsPrivate = true;
        if (!_access.May.MaySyncPrivate) _writer.Error("not authorized to sync private content");
    }

    private void HandleUnversionedFile(in XferCard card)
    {
        if (!UvFileCard.TryParse(card, out var file))
        {
            Fail(MalformedTextOf(card.Kind));
            return;
        }

        Note("uv");
        if (!_unversioned.TryReceive(file, card.Payload, _canWrite && _access.May.MayWriteUnversioned, out var changed))
        {
            Fail("in uvfile line, HASH does not match CONTENT");
            return;
        }

        HasStored |= changed;
        if (changed) Outcome = Outcome with { UnversionedReceived = Outcome.UnversionedReceived + 1 };
    }

    private void HandleConfig(in ConfigCard config)
    {
        Note("config");
        if (!_access.May.IsAdmin || !_canWrite)
        {
            Fail("not authorized to push configuration");
            return;
        }

        HasStored |= _config.Receive(config, ConfigAreas.All);
    }

    private void HandlePragma(in XferCard card)
    {
        var name = card[1];
        if (name.SequenceEqual("client-version"u8) && card.Count >= 3)
        {
            _sending.Peer = PeerVersion.Parse(card);
            if (card.Count >= 5) _options.Version.Write(_writer, "server-version"u8);
        }
        else if (name.SequenceEqual("send-private"u8))
        {
            if (_access.May.MaySyncPrivate) _sending.WithPrivate = true;
            else _writer.Error("not authorized to sync private content");
        }
        else if (name.SequenceEqual("send-catalog"u8)) _sending.WithCatalog = true;
        else if (name.SequenceEqual("req-clusters"u8)) _sending.WithClusters = true;
        else if (name.SequenceEqual("uv-hash"u8) && ArtifactId.TryParse(card[2], out var hash))
        {
            Note("uv");
            if (_access.May.MayRead)
                _unversioned.Compare(hash, !_isReadOnly && _access.May.MayWriteUnversioned, _writer);
        }
        else if (name.SequenceEqual("ci-lock"u8) && card.Count == 4) HandleLock(card);
        else if (name.SequenceEqual("ci-unlock"u8) && card.Count == 3 && ArtifactId.TryParse(card[2], out _))
        {
            if (_canWrite && _access.May.MayWrite) CheckinLocks.Release(_store, XferText.Decode(card[2]), _now);
        }
        else if (name.SequenceEqual("xtable-hash"u8) && _access.May.MayRead)
            _tables?.Compare(card, _access.May, _writer);
    }

    private void HandleLock(in XferCard card)
    {
        if (!_canWrite || !_access.May.MayWrite || !ArtifactId.TryParse(card[2], out var checkin)) return;

        var timeout = TimeSpan.FromSeconds(SettingOf("lock-timeout", 60));
        var holder = CheckinLocks.Take(
            _store, checkin, XferText.Decode(card[3]), _access.Account?.Login ?? "anonymous", _now, timeout);
        if (holder is { } other) _writer.Pragma("ci-lock-fail"u8, other.Login, other.SinceSeconds);
        if (SettingOf("forbid-delta-manifests", 0) != 0) _writer.Pragma("avoid-delta-manifests"u8);
        HasStored |= holder is null;
    }

    private void HandleTableCard(in XferCard card)
    {
        if (_tables is null) return;
        if (!_tables.ReceiveOnServer(card, _access.May, _access.Account?.Login, _canWrite, _writer, out var changed))
            Fail("malformed table card");
        HasStored |= changed;
    }

    private void HandleAnnouncement(in IGotCard igot)
    {
        if (_announcements.Count == _options.AnnouncementsMax)
        {
            _announcements.LeaveOut();
            return;
        }

        _announcements.Add(igot);
        if (_announcements.IsFull) FlushAnnouncements();
    }

    private void FlushAnnouncements()
    {
        if (_announcements.IsEmpty) return;
        if (!_isPush || !_canWrite)
        {
            _announcements.Clear();
            return;
        }

        HasStored |= _announcements.Apply(
            _store, _sending.RemoteHas, acceptPrivate: _access.May.MaySyncPrivate,
            phantomsMax: _options.PhantomsMax - _announcements.PhantomsAdded);
    }

    private void Note(string operation)
    {
        var before = Outcome.Operation;
        Outcome = Outcome with
        {
            Operation = (before, operation) switch
            {
                ("pull", "push") or ("push", "pull") => "sync",
                ("ping", _) => operation,
                _ => before,
            },
        };
    }

    private long SettingOf(string name, long otherwise) => _store.Config.Get(name) switch
    {
        null => otherwise,
        "on" or "yes" or "true" => 1,
        "off" or "no" or "false" => 0,
        var text =>
            long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var value) ? value : otherwise,
    };
}
