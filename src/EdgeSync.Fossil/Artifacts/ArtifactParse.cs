using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>One run of the parser over one text. Methods return false after setting the fault.</summary>
internal ref struct ArtifactParse
{
    private readonly Artifact _artifact;
    private readonly ReadOnlySpan<byte> _whole;
    private readonly int _wholeStart;
    private readonly ArtifactParserOptions _options;

    private CardReader _reader;
    private int _base;         // the offset from a position in the reader's text to one in the artifact's buffer
    private int _decodedCount;
    private int _line;
    private byte _card;
    private ArtifactKind _kind;
    private ArtifactFault _fault;

    private List<ArtifactId>? _parents;
    private List<ArtifactId>? _members;
    private TextSlot _lastMember;
    private List<CherrypickCard>? _cherrypicks;
    private TagCards _tags;
    private List<FieldSlot>? _fields;

    public ArtifactParse(Artifact artifact, ReadOnlySpan<byte> text, int start, ArtifactParserOptions options)
    {
        _artifact = artifact;
        _whole = text;
        _wholeStart = start;
        _options = options;
    }

    public bool TryRun(out ArtifactFault fault)
    {
        var isGood = TryFrame() && TryCards() && TryFinish();
        fault = _fault;
        return isGood;
    }

    /// <summary>The checks before the first card: wrapper, beginning, checksum.</summary>
    private bool TryFrame()
    {
        if (_whole.IsEmpty) return Fail(ArtifactFaultKind.Empty, 0);
        if (_whole[^1] != '\n') return Fail(ArtifactFaultKind.NotTerminated, _whole.Length - 1);
        if (_whole.Length > ArtifactParser.SizeMax) return Fail(ArtifactFaultKind.TooLarge, 0);

        var (start, length) = ClearSign.InnerRange(_whole).GetOffsetAndLength(_whole.Length);
        var text = _whole.Slice(start, length);
        _base = _wholeStart + start;
        _reader = new CardReader(text);
        if (length < 10 || text[0] is < (byte)'A' or > (byte)'Z' || text[1] != ' ')
            return Fail(ArtifactFaultKind.NotRecognized, 0);

        if (length >= 35 && text[^35] == 'Z' && text[^34] == ' ')
        {
            // Position 0 of the buffer is not "absent" here: the slot is read only when there is a Z card.
            _artifact.ChecksummedSlot = new TextSlot(_base, length - 35);
            _artifact.ZCardSlot = new TextSlot(_base + length - 33, 32);
            if (!_options.SkipsChecksum && !ArtifactParser.HasRightChecksum(_artifact))
                return Fail(ArtifactFaultKind.WrongChecksum, start + length - 33);
        }

        return true;
    }

    private bool TryCards()
    {
        byte previous = 0;
        while ((_card = _reader.NextCard()) != 0)
        {
            _line++;

            // Technotes written before 2021 carry N after P, so that one step back is allowed.
            // Spec: manifest_parse, tickets 15d04de574383d61 and 5e67a7f4041a36ad of stock.
            // Letters above 127 count as negative, as in C.
            if ((sbyte)_card < (sbyte)previous
                && !(_card == 'N' && previous == 'P' && !_artifact.TechnoteIdSlot.IsAbsent))
                return FailHere(ArtifactFaultKind.CardOrder);
            if (_card is < (byte)'A' or > (byte)'Z') return FailHere(ArtifactFaultKind.UnknownCard);

            var bit = CardRules.Bit(_card);
            if ((_artifact.Cards & bit & CardRules.AtMostOnce) != 0) return FailHere(ArtifactFaultKind.DuplicateCard);

            _artifact.Cards |= bit;
            previous = _card;
            if (!TryCard()) return false;
        }

        return _reader.IsAtEnd || FailHere(ArtifactFaultKind.ExtraText);
    }

    private bool TryCard() => _card switch
    {
        (byte)'F' => TryFile(),
        (byte)'A' => TryAttachment(),
        (byte)'B' => TryBaseline(),
        (byte)'C' => TryText(ref _artifact.CommentSlot),
        (byte)'D' => TryDate(),
        (byte)'E' => TryTechnote(),
        (byte)'G' => TryThreadRoot(),
        (byte)'H' => Is(ArtifactKind.Forum) && TryText(ref _artifact.ThreadTitleSlot),
        (byte)'I' => TryInReplyTo(),
        (byte)'J' => TryField(),
        (byte)'K' => TryTicketId(),
        (byte)'L' => TryTitle(),
        (byte)'M' => TryMember(),
        (byte)'N' => TryText(ref _artifact.MimetypeSlot),
        (byte)'P' => TryParents(),
        (byte)'Q' => TryCherrypick(),
        (byte)'R' => TryRepositoryChecksum(),
        (byte)'T' => TryTag(),
        (byte)'U' => TryUser(),
        (byte)'W' => TryBody(),
        (byte)'Z' => TryChecksum(),
        _ => FailHere(ArtifactFaultKind.UnknownCard),
    };

    /// <summary>The checks after the last card: the kind, and whether its cards are allowed and complete.</summary>
    private bool TryFinish()
    {
        var artifact = _artifact;
        if (_parents is not null) artifact.ParentIds = [.. _parents];
        if (_members is not null) artifact.MemberIds = [.. _members];
        if (_cherrypicks is not null) artifact.CherrypickCards = [.. _cherrypicks];
        artifact.TagSlots = _tags.ToArray();
        if (_fields is not null) artifact.FieldSlots = [.. _fields];

        if (_kind == ArtifactKind.None)
        {
            _kind = !artifact.CommentSlot.IsAbsent || artifact.ParentIds.Length > 0
                ? ArtifactKind.CheckIn
                : ArtifactKind.Control;
        }

        artifact.Kind = _kind;
        if ((artifact.Cards & ~CardRules.Allowed(_kind)) is var excess && excess != 0)
            return FailFor(ArtifactFaultKind.CardNotAllowed, excess);
        if ((~artifact.Cards & CardRules.Required(_kind)) is var missing && missing != 0)
            return FailFor(ArtifactFaultKind.CardMissing, missing);

        return _kind switch
        {
            ArtifactKind.Control =>
                _tags.SelfCount == 0 || FailFor(ArtifactFaultKind.Inconsistent, CardRules.Bit((byte)'T')),
            ArtifactKind.Technote => _tags.AreAllSingleOnSelf ||
                FailFor(ArtifactFaultKind.Inconsistent, CardRules.Bit((byte)'T')),
            ArtifactKind.Forum => (artifact.ThreadTitleSlot.IsAbsent || artifact.InReplyTo.IsEmpty
                    || FailFor(ArtifactFaultKind.Inconsistent, CardRules.Bit((byte)'I'))) &&
                (artifact.ParentIds.Length <= 1 || FailFor(ArtifactFaultKind.Inconsistent, CardRules.Bit((byte)'P'))),
            _ => true,
        };
    }

    // ---- Cards ----

    private bool TryFile()
    {
        if (!_reader.TryEscapedToken(out var start, out var length, out var isEscaped))
            return FailHere(ArtifactFaultKind.MissingArgument);

        var name = isEscaped ? Decoded(start, length) : new TextSlot(_base + start, length);
        var text = TextOf(name);
        if (!PathName.IsSimple(text)) return FailAt(ArtifactFaultKind.BadFileName, name);

        FileSlot slot = default;
        slot.Name = name;
        if (_reader.TryHashToken(out start, out length))
        {
            var hash = _reader.Text.Slice(start, length);
            if (!HashToken.IsHash(hash)) return FailHere(ArtifactFaultKind.BadHash);
            (slot.HashStart, slot.HashLength) = (_base + start, (byte)length);

            if (_reader.TryToken(out start, out length))
            {
                slot.Permission = FileCards.PermissionOf(_reader.Text.Slice(start, length));
                if (_reader.TryToken(out start, out length))
                {
                    slot.OldName = Decoded(start, length);
                    if (!PathName.IsSimple(TextOf(slot.OldName)))
                        return FailAt(ArtifactFaultKind.BadFileName, slot.OldName);
                }
            }
        }
        else if (_artifact.Baseline.IsEmpty)
        {
            return FailHere(ArtifactFaultKind.MissingArgument);
        }

        if (!FileCards.IsAfterLast(_artifact, text)) return FailAt(ArtifactFaultKind.EntryOrder, name);

        // Such names are in old histories by mistake; they do not even make the artifact a manifest.
        if (PathName.IsReserved(text)) return true;

        FileCards.Add(_artifact, in slot, _reader.Text[_reader.Position..]);
        return Is(ArtifactKind.CheckIn);
    }

    private bool TryAttachment()
    {
        if (!TryDecoded(out var name) || !TryDecoded(out var target)) return false;
        if (!PathName.IsSimple(TextOf(name))) return FailAt(ArtifactFaultKind.BadFileName, name);

        // A hash is a well-formed page name too, so one test covers both sorts of target.
        if (!WikiName.IsWellFormed(TextOf(target))) return FailAt(ArtifactFaultKind.BadTitle, target);
        if (_reader.TryToken(out var start, out var length))
        {
            if (!HashToken.TryParse(_reader.Text.Slice(start, length), out var source))
                return FailHere(ArtifactFaultKind.BadHash);
            _artifact.AttachmentSource = source;
            _artifact.AttachmentSourceSlot = new TextSlot(_base + start, length);
        }

        // Stock drops folders of the name. The slot of a decoded name is negative (complement): it is in the side
        // buffer.
        var folder = TextOf(name).LastIndexOf((byte)'/') + 1;
        var tail = name.Start >= 0 ? name.Start + folder : ~(~name.Start + folder);
        _artifact.AttachmentNameSlot = new TextSlot(tail, name.Length - folder);
        _artifact.AttachmentTargetSlot = target;
        return Is(ArtifactKind.Attachment);
    }

    private bool TryBaseline()
    {
        if (!TryHash(out var baseline)) return false;

        _artifact.Baseline = baseline;
        return Is(ArtifactKind.CheckIn);
    }

    private bool TryText(scoped ref TextSlot slot) => TryDecoded(out slot);

    private bool TryDate()
    {
        if (!TryDateToken(out var date)) return false;

        _artifact.Date = date;
        return true;
    }

    private bool TryTechnote()
    {
        if (!TryDateToken(out var date) || !TryToken(out var start, out var length)) return false;
        if (!HashToken.IsHash(_reader.Text.Slice(start, length))) return FailHere(ArtifactFaultKind.BadHash);

        _artifact.TechnoteDate = date;
        _artifact.TechnoteIdSlot = new TextSlot(_base + start, length);
        return Is(ArtifactKind.Technote);
    }

    private bool TryThreadRoot()
    {
        if (!TryHash(out var root)) return false;

        _artifact.ThreadRoot = root;
        return Is(ArtifactKind.Forum);
    }

    private bool TryInReplyTo()
    {
        if (!TryHash(out var post)) return false;

        _artifact.InReplyTo = post;
        return Is(ArtifactKind.Forum);
    }

    private bool TryField()
    {
        if (!TryToken(out var start, out var length)) return false;

        var name = new TextSlot(_base + start, length);
        var value = _reader.TryToken(out start, out length) ? Decoded(start, length) : default;
        _fields ??= new List<FieldSlot>(8);
        if (_fields.Count > 0 && TextOf(_fields[^1].Name).SequenceCompareTo(TextOf(name)) >= 0)
            return FailAt(ArtifactFaultKind.EntryOrder, name);

        _fields.Add(new FieldSlot(name, value));
        return Is(ArtifactKind.Ticket);
    }

    private bool TryTicketId()
    {
        if (!TryToken(out var start, out var length)) return false;
        if (length != 40 || !HashToken.IsHex(_reader.Text.Slice(start, length)))
            return FailHere(ArtifactFaultKind.BadHash);

        _artifact.TicketIdSlot = new TextSlot(_base + start, length);
        return Is(ArtifactKind.Ticket);
    }

    private bool TryTitle()
    {
        if (!TryText(ref _artifact.TitleSlot)) return false;
        if (!WikiName.IsWellFormed(TextOf(_artifact.TitleSlot)))
            return FailAt(ArtifactFaultKind.BadTitle, _artifact.TitleSlot);

        return Is(ArtifactKind.Wiki);
    }

    private bool TryMember()
    {
        if (!TryToken(out var start, out var length)) return false;
        var text = _reader.Text.Slice(start, length);
        if (!HashToken.TryParse(text, out var member)) return FailHere(ArtifactFaultKind.BadHash);
        if (_members is not null && TextOf(_lastMember).SequenceCompareTo(text) >= 0)
            return FailHere(ArtifactFaultKind.EntryOrder);

        _members ??= new List<ArtifactId>(Math.Min(1 + ((_reader.Text.Length - start) / 43), 1024));
        _members.Add(member);
        _lastMember = new TextSlot(_base + start, length);
        return Is(ArtifactKind.Cluster);
    }

    private bool TryParents()
    {
        while (_reader.TryToken(out var start, out var length))
        {
            var text = _reader.Text.Slice(start, length);
            if (!HashToken.TryParse(text, out var parent)) return FailHere(ArtifactFaultKind.BadHash);
            if (_parents is null) _artifact.IsFirstParentUpperCase = HashToken.HasUpperCase(text);
            (_parents ??= new List<ArtifactId>(1)).Add(parent);
        }

        return true;
    }

    private bool TryCherrypick()
    {
        if (!TryToken(out var start, out var length)) return false;
        var text = _reader.Text.Slice(start, length);
        if (text is not [(byte)'+' or (byte)'-', ..] || !HashToken.TryParse(text[1..], out var target))
            return FailHere(ArtifactFaultKind.BadHash);

        ArtifactId basis = default;
        if (_reader.TryToken(out start, out length)
            && !HashToken.TryParse(_reader.Text.Slice(start, length), out basis))
            return FailHere(ArtifactFaultKind.BadHash);

        (_cherrypicks ??= new List<CherrypickCard>(1)).Add(
            new CherrypickCard(
                target, IsBackout: text[0] == '-', basis)
            { IsUpperCase = HashToken.HasUpperCase(text[1..]) });
        return Is(ArtifactKind.CheckIn);
    }

    private bool TryRepositoryChecksum()
    {
        if (!TryMd5(out var slot)) return false;

        _artifact.RepositoryChecksumSlot = slot;
        return Is(ArtifactKind.CheckIn);
    }

    private bool TryTag()
    {
        if (!TryDecoded(out var name) || !TryToken(out var start, out var length)) return false;

        var targetText = _reader.Text.Slice(start, length);
        ArtifactId target = default;
        if (targetText is not [(byte)'*'] && !HashToken.TryParse(targetText, out target))
            return FailHere(ArtifactFaultKind.BadHash);

        var targetSlot = new TextSlot(_base + start, length);
        var value = _reader.TryToken(out start, out length) ? Decoded(start, length) : default;
        var fault = _tags.Add(_artifact, new TagSlot(name, value, target, targetSlot));
        return fault == ArtifactFaultKind.None || FailAt(fault, name);
    }

    private bool TryUser()
    {
        if (_reader.TryToken(out var start, out var length) && length > 0) _artifact.UserSlot = Decoded(start, length);
        return true;
    }

    private bool TryBody()
    {
        if (!TryToken(out var start, out var length)) return false;
        if (!_reader.IsAtLineEnd) return FailHere(ArtifactFaultKind.ExtraText);

        // As stock: digits up to the first other byte, in 32 bits that may wrap without getting smaller.
        uint size = 0;
        foreach (var c in _reader.Text.Slice(start, length))
        {
            if (c is < (byte)'0' or > (byte)'9') break;
            var next = unchecked((size * 10) + c - '0');
            if (next < size) return FailHere(ArtifactFaultKind.BadSize);
            size = next;
        }

        if (!_reader.TrySkipBody(size, out start)) return FailHere(ArtifactFaultKind.BadSize);

        _artifact.BodySlot = new TextSlot(_base + start, UpToNul(_reader.Text.Slice(start, (int)size)));
        return true;
    }

    private bool TryChecksum() => TryMd5(out _);

    // ---- Tokens ----

    private bool TryToken(out int start, out int length) =>
        _reader.TryToken(out start, out length) || FailHere(ArtifactFaultKind.MissingArgument);

    private bool TryDecoded(out TextSlot slot)
    {
        slot = default;
        if (!TryToken(out var start, out var length)) return false;

        slot = Decoded(start, length);
        return true;
    }

    private bool TryHash(out ArtifactId id)
    {
        id = default;
        return TryToken(out var start, out var length) &&
            (HashToken.TryParse(_reader.Text.Slice(start, length), out id) || FailHere(ArtifactFaultKind.BadHash));
    }

    private bool TryMd5(out TextSlot slot)
    {
        slot = default;
        if (!TryToken(out var start, out var length)) return false;
        if (length != 32 || !HashToken.IsHex(_reader.Text.Slice(start, length)))
            return FailHere(ArtifactFaultKind.BadHash);

        slot = new TextSlot(_base + start, length);
        return true;
    }

    private bool TryDateToken(out Instant date)
    {
        date = default;
        if (!TryToken(out var start, out var length)) return false;

        // Day 0 of the Julian calendar is how stock writes "no date".
        return (DateText.TryParse(_reader.Text.Slice(start, length), _options.Now, out date) && date.JulianDay > 0) ||
            FailHere(ArtifactFaultKind.BadDate);
    }

    /// <summary>The token decoded: itself when it has no escape, else a place among the decoded texts.</summary>
    private TextSlot Decoded(int start, int length)
    {
        var token = _reader.Text.Slice(start, length);
        if (!FossilText.NeedsDecoding(token)) return new TextSlot(_base + start, length);

        if (_artifact.Decoded.Length - _decodedCount < length)
            Array.Resize(ref _artifact.Decoded, Math.Max((_artifact.Decoded.Length * 2) + 128, _decodedCount + length));

        var target = _artifact.Decoded.AsSpan(_decodedCount);
        var size = UpToNul(target[..FossilText.Decode(token, target)]);
        var slot = new TextSlot(~_decodedCount, size);
        _decodedCount += size;
        return slot;
    }

    // Stock's texts are C strings: an escaped NUL ends them.
    private static int UpToNul(ReadOnlySpan<byte> text) =>
        text.IndexOf((byte)0) is var nul && nul < 0 ? text.Length : nul;

    private readonly ReadOnlySpan<byte> TextOf(TextSlot slot) => _artifact.TextOf(slot);

    private bool Is(ArtifactKind kind)
    {
        _kind = kind;
        return true;
    }

    private bool FailHere(ArtifactFaultKind kind) => Fail(kind, _base - _wholeStart + _reader.Position);

    private bool FailAt(ArtifactFaultKind kind, TextSlot slot) =>
        slot.Start >= 0 ? Fail(kind, slot.Start - _wholeStart) : FailHere(kind);

    private bool FailFor(ArtifactFaultKind kind, uint cards)
    {
        _card = (byte)('A' + System.Numerics.BitOperations.TrailingZeroCount(cards));
        return Fail(kind, _whole.Length);
    }

    private bool Fail(ArtifactFaultKind kind, int offset)
    {
        _fault = new ArtifactFault(kind, Math.Min(offset, _whole.Length), _line, (char)_card);
        return false;
    }
}
