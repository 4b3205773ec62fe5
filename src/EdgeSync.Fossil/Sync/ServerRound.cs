using System.Buffers;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>One request being answered: the cards in turn, each against the capabilities that the login gave.</summary>
internal sealed class ServerRound
{
    private readonly IArtifactStore _store;
    private readonly ServerOptions _options;
    private readonly Instant _now;
    private readonly string _address;
    private readonly bool _canWrite;
    private readonly bool _isReadOnly;
    private readonly ArrayBufferWriter<byte> _reply;
    private readonly AnnouncementBuffer _announcements = new();
    private readonly HashSet<RecordId> _remoteHas = [];
    private readonly HashSet<ArtifactId> _remoteLacks = [];
    private readonly HashSet<ArtifactId> _circular = [];
    private readonly List<RecordId> _gimmes = [];
    private readonly long _replyBytesMax;
    private readonly ServerUnversioned _unversioned;
    private readonly ConfigExchange _config;
    private readonly TableExchange? _tables;

    private XferWriter _writer;
    private Capabilities _may;
    private PeerVersion _peer;
    private string? _login;
    private bool _loginSeen;
    private bool _isPull;
    private bool _isPush;
    private bool _isClone1;
    private bool _withPrivate;
    private bool _nextIsPrivate;
    private bool _withCatalog;
    private bool _withClusters;
    private int _errors;

    /// <param name="canWrite">The round holds the write lock.</param>
    /// <param name="isReadOnly">It was asked for and is not to be had.</param>
    public ServerRound(
        IArtifactStore store,
        ServerOptions options,
        Instant now,
        string address,
        bool canWrite,
        bool isReadOnly,
        ArrayBufferWriter<byte> reply)
    {
        (_store, _options, _now, _address, _reply) = (store, options, now, address, reply);
        (_canWrite, _isReadOnly) = (canWrite, isReadOnly);
        _writer = new XferWriter(reply);
        _may = CapabilitiesOf("nobody").With(CapabilitiesOf("anonymous"));
        _replyBytesMax = Math.Min(options.ReplyBytesMax, SettingOf("max-download", long.MaxValue));
        _unversioned = new ServerUnversioned(store, options, now);
        _config = new ConfigExchange(store.Config);
        _tables = store.Tables is null ? null : new TableExchange(store.Tables, options.Faults);
    }

    /// <summary>True once the request is refused: the round must be rolled back.</summary>
    public bool IsFailed { get; private set; }

    public bool HasStored { get; private set; }

    public ServerOutcome Outcome { get; private set; } = new();

    public void Process(ReadOnlySpan<byte> request)
    {
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
        AnswerGimmes();
        if (_isPush)
        {
            // A manifest that just came may name files that nobody announced.
            if (HasStored) _store.LinkArrived();
            AskForPhantoms();
            if (_circular.Count > 0)
                _writer.Message($"{_circular.Count} artifacts came as deltas that lead back to themselves, and were not taken");
        }

        Announce();
    }

    /// <summary>Drops the reply so far and says why instead.</summary>
    public void Fail(string text) => Fail(text, default);

    public void WriteTimestamp() => ServerHandler.WriteTimestamp(_writer, _now, _errors);

    public static string TextOf(PutOutcome outcome, ArtifactId id) => outcome switch
    {
        PutOutcome.WrongHash => $"wrong hash on received artifact: {id}",
        PutOutcome.BadDelta => $"malformed delta for artifact: {id}",
        PutOutcome.BadCompression => $"damaged content of artifact: {id}",
        _ => $"artifact too large: {id}",
    };

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
        _reply.ResetWrittenCount();
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
                _announcements.Add(igot);
                if (_announcements.IsFull) FlushAnnouncements();
                break;
            case CardKind.Gimme when GimmeCard.TryParse(card, out var gimme):
                HandleGimme(gimme);
                break;
            case CardKind.UvFile:
                HandleUnversionedFile(card);
                break;
            case CardKind.UvGimme when UvGimmeCard.TryParse(card, out var gimme):
                if (_may.MayRead) _unversioned.Send(gimme.Name, _writer, _replyBytesMax);
                break;
            case CardKind.Config when ConfigCard.TryParse(card, out var config):
                HandleConfig(config);
                break;
            case CardKind.ReqConfig when TextCard.TryParse(card, out var name):
                if (_may.MayRead) _config.Send(name.Text, _may, _writer);
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

    // Spec: xfer.c: what was written so far is lost, the rest of the request is still looked at.
    private void HandleUnknown(in XferCard card)
    {
        // Differs from Fossil: upper-case names make useless phantoms there; here they are just not names.
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

    private void HandleLogin(in LoginCard login, ReadOnlySpan<byte> rest)
    {
        // Spec: 2.27 allows one login card. Several would also let a request make us hash its body again and again.
        var isRefused = _loginSeen || !XferLogin.NonceFits(login.Nonce, rest);
        _loginSeen = true;
        if (!isRefused && login.User is "nobody" or "anonymous") return;

        var account = isRefused || login.User is "nobody" or "anonymous" or "developer" or "reader"
            ? null
            : _store.Config.FindUser(login.User);
        isRefused = account is null
            || account.IsExpired
            || !XferLogin.SignatureFits(
                login.Signature, login.Nonce, account.Password, _store.ProjectCode ?? "", login.User);
        if (isRefused)
        {
            RefuseLogin();
            return;
        }

        Invariant.Require(account is not null);
        _login = account.Login;
        _may = _may.With(Expand(account.Capabilities));
        Outcome = Outcome with { Login = account.Login };
        var nonce = System.Text.Encoding.ASCII.GetString(login.Nonce);
        if (_canWrite && !_store.TrySetSender(new Sender(account.UserId, nonce, _address))) RefuseLogin();
    }

    private void RefuseLogin()
    {
        Fail("login failed");
        Outcome = Outcome with { LoginFailed = true };
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
            if (!_may.MayRead)
            {
                Fail("not authorized to read");
                return;
            }

            _isPull = true;
            Note("pull");
            return;
        }

        if (!_may.MayWrite)
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

        if (_login is null && !_store.TrySetSender(new Sender(0, null, _address))) Invariant.Require(false);
        _isPush = true;
        Note("push");
    }

    private void HandleClone(in CloneCard clone)
    {
        if (!_may.MayClone)
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
        if (SettingOf("uv-sync", 0) != 0) _unversioned.SendCatalogInClone(_writer);
        if (clone.Version < 2)
        {
            _isClone1 = true;
            _isPull = true;
        }
        else
        {
            if (clone.Version >= 3) Outcome = Outcome with { MustBePlain = true };
            var (next, sent) = CloneBatch.Write(
                _store,
                _writer,
                clone,
                _peer,
                _withPrivate,
                _options.Faults.At(FaultSite.ServerCloneBatchSmall) ? 1 : _replyBytesMax);
            Outcome = Outcome with { ArtifactsSent = Outcome.ArtifactsSent + sent };
            _writer.CloneSeqno(next);
        }

        // Spec: the client queues its next clone card when it sees this one, so it comes behind clone_seqno.
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
        if (isPrivate && !_may.MaySyncPrivate) return;

        PutOutcome outcome;
        ArtifactId id;
        RecordId rid;
        if (FileCard.TryParse(card, out var file))
        {
            id = file.Id;
            if (_options.Faults.At(FaultSite.ServerFileReject)) return;
            outcome = file.Source.IsEmpty
                ? _store.PutText(id, card.Payload, isPrivate, out rid)
                : _store.PutDelta(id, file.Source, card.Payload, isPrivate, out rid);
        }
        else if (CFileCard.TryParse(card, out var compressed))
        {
            id = compressed.Id;
            outcome = _store.PutStored(id, compressed.Source, compressed.ExpandedSize, card.Payload, isPrivate, out rid);
        }
        else
        {
            Fail(MalformedTextOf(card.Kind));
            return;
        }

        if (outcome is PutOutcome.Stored or PutOutcome.Pending or PutOutcome.AlreadyHeld or PutOutcome.Shunned)
        {
            if (!rid.IsNone) _remoteHas.Add(rid);
            HasStored |= outcome is PutOutcome.Stored or PutOutcome.Pending;
            Outcome = Outcome with { ArtifactsReceived = Outcome.ArtifactsReceived + 1 };
            return;
        }

        if (outcome == PutOutcome.Circular)
        {
            _circular.Add(id);
            _options.CircularArrivals.Note(id, _now);
            return;
        }

        Fail(TextOf(outcome, id));
    }

    private void HandlePrivate()
    {
        if (_may.MaySyncPrivate) _nextIsPrivate = true;
        else _writer.Error("not authorized to sync private content");
    }

    private void HandleGimme(in GimmeCard gimme)
    {
        if (!_remoteLacks.Add(gimme.Id) || !_isPull || _options.Faults.At(FaultSite.ServerGimmeSkip)) return;

        ArtifactEntry entry = default;
        _store.Lookup([gimme.Id], new Span<ArtifactEntry>(ref entry));
        if (!entry.IsHeld || entry.IsShunned) return;
        if (entry.IsPrivate && !_withPrivate)
        {
            // Spec: tells newer clients that there is something that they will not get.
            if (_peer.KnowsPrivateIGot) _writer.IGot(gimme.Id, isPrivate: true);
            return;
        }

        _gimmes.Add(entry.Rid);
    }

    private void HandleUnversionedFile(in XferCard card)
    {
        if (!UvFileCard.TryParse(card, out var file))
        {
            Fail(MalformedTextOf(card.Kind));
            return;
        }

        Note("uv");
        if (!_unversioned.TryReceive(file, card.Payload, _canWrite && _may.MayWriteUnversioned, out var changed))
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
        if (!_may.IsAdmin || !_canWrite)
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
            _peer = PeerVersion.Parse(card);
            if (card.Count >= 5) _options.Version.Write(_writer, "server-version"u8);
        }
        else if (name.SequenceEqual("send-private"u8))
        {
            if (_may.MaySyncPrivate) _withPrivate = true;
            else _writer.Error("not authorized to sync private content");
        }
        else if (name.SequenceEqual("send-catalog"u8)) _withCatalog = true;
        else if (name.SequenceEqual("req-clusters"u8)) _withClusters = true;
        else if (name.SequenceEqual("uv-hash"u8) && ArtifactId.TryParse(card[2], out var hash))
        {
            Note("uv");
            if (_may.MayRead) _unversioned.Compare(hash, !_isReadOnly && _may.MayWriteUnversioned, _writer);
        }
        else if (name.SequenceEqual("ci-lock"u8) && card.Count == 4) HandleLock(card);
        else if (name.SequenceEqual("ci-unlock"u8) && card.Count == 3 && ArtifactId.TryParse(card[2], out _))
        {
            if (_canWrite && _may.MayWrite) CheckinLocks.Release(_store, XferText.Decode(card[2]), _now);
        }
        else if (name.SequenceEqual("xtable-hash"u8) && _may.MayRead) _tables?.Compare(card, _writer);
    }

    private void HandleLock(in XferCard card)
    {
        if (!_canWrite || !_may.MayWrite || !ArtifactId.TryParse(card[2], out var checkin)) return;

        var timeout = TimeSpan.FromSeconds(SettingOf("lock-timeout", 60));
        var holder = CheckinLocks.Take(
            _store, checkin, XferText.Decode(card[3]), _login ?? "anonymous", _now, timeout);
        if (holder is { } other) _writer.Pragma("ci-lock-fail"u8, other.Login, other.SinceSeconds);
        if (SettingOf("forbid-delta-manifests", 0) != 0) _writer.Pragma("avoid-delta-manifests"u8);
        HasStored |= holder is null;
    }

    private void HandleTableCard(in XferCard card)
    {
        if (_tables is null) return;
        if (!_tables.ReceiveOnServer(card, _may, _login, _canWrite, _writer, out var changed))
            Fail("malformed table card");
        HasStored |= changed;
    }

    private void FlushAnnouncements()
    {
        if (_announcements.IsEmpty) return;
        if (!_isPush || !_canWrite)
        {
            _announcements.Clear();
            return;
        }

        HasStored |= _announcements.Apply(_store, _remoteHas, acceptPrivate: _may.MaySyncPrivate, addPhantoms: true);
    }

    private void AnswerGimmes()
    {
        if (_gimmes.Count == 0) return;

        var wanted = new HashSet<RecordId>(_gimmes);
        wanted.ExceptWith(_remoteHas);
        var sender = new ArtifactSender(_store, _writer, wanted, _peer, _withPrivate)
        {
            BudgetBytes = _replyBytesMax,
            WorkBytesMax = _options.WorkBytesMax,
            Style = wanted.Count > ClientOptions.ManyArtifacts || _isClone1 ? DeltaStyle.AsStored : DeltaStyle.AgainstParent,
        };
        foreach (var rid in _gimmes)
        {
            if (_remoteHas.Contains(rid) || sender.TrySend(rid)) continue;

            // Spec: what does not fit any more is announced, so that the client asks again.
            if (_store.TryReadDelta(rid, out var delta)) _writer.IGot(delta.Id, delta.IsPrivate);
            else if (_store.TryReadText(rid, out var text)) _writer.IGot(text.Id, text.IsPrivate);
        }

        if (sender.PeerTooOld) _writer.Error("Fossil version 2.0 or later required.");

        // Sent or announced, either way it need not be announced again.
        _remoteHas.UnionWith(_gimmes);
        Outcome = Outcome with { ArtifactsSent = Outcome.ArtifactsSent + sender.FilesSent + sender.DeltasSent };
    }

    private void AskForPhantoms()
    {
        var left = Ask(ArtifactList.Phantoms, _options.GimmesMax);
        if (_withPrivate) Ask(ArtifactList.PrivatePhantoms, left);
    }

    private int Ask(ArtifactList list, int count)
    {
        foreach (var phantom in _store.Walk(list))
        {
            if (count == 0) break;
            // What just came as a delta of itself would come as the same again.
            if (_remoteLacks.Contains(phantom.Id) || _circular.Contains(phantom.Id)) continue;

            // A client like ours sends the text when it is asked again; a stock one sends the same delta for ever.
            if (_peer != PeerVersion.Ours && !_options.CircularArrivals.MayAsk(phantom.Id, _now)) continue;

            _writer.Gimme(phantom.Id);
            count--;
        }

        return count;
    }

    private void Announce()
    {
        if (!_isPull) return;
        if (_isClone1 && _remoteLacks.Count == 0)
        {
            AnnounceList(ArtifactList.Public, isPrivate: false);
            if (_withPrivate) AnnounceList(ArtifactList.Private, isPrivate: true);
            return;
        }

        if (_canWrite) _store.MakeClusters();
        AnnounceList(_withCatalog ? ArtifactList.Public : ArtifactList.Unclustered, isPrivate: false);
        if (_withClusters)
        {
            _writer.Comment("sending-clusters"u8);
            AnnounceList(ArtifactList.Clusters, isPrivate: false);
            _writer.Comment("end-of-clusters"u8);
        }

        if (_withPrivate) AnnounceList(ArtifactList.Private, isPrivate: true);
    }

    private void AnnounceList(ArtifactList list, bool isPrivate)
    {
        var site = isPrivate ? FaultSite.ServerPrivateIGotTruncate : FaultSite.ServerIGotTruncate;
        var countMax = _options.Faults.At(site) ? 1 : int.MaxValue;
        foreach (var artifact in _store.Walk(list))
        {
            if (_remoteHas.Contains(artifact.Rid)) continue;
            if (countMax-- == 0) return;
            if (artifact.Id.Kind == HashKind.Sha3 && !_peer.KnowsSha3 && _isClone1) continue;

            _writer.IGot(artifact.Id, isPrivate);
        }
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

    private Capabilities CapabilitiesOf(string login) => Expand(_store.Config.FindUser(login)?.Capabilities ?? "");

    private Capabilities Expand(string letters) => Capabilities.Expand(
        letters,
        _store.Config.FindUser("developer")?.Capabilities ?? "",
        _store.Config.FindUser("reader")?.Capabilities ?? "");

    private long SettingOf(string name, long otherwise) => _store.Config.Get(name) switch
    {
        null => otherwise,
        "on" or "yes" or "true" => 1,
        "off" or "no" or "false" => 0,
        var text => long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var value) ? value : otherwise,
    };
}
