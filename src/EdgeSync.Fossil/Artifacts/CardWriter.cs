using System.Buffers;
using System.Buffers.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>Writes cards into one buffer. A card is <c>Card(letter)</c>, its arguments, <c>End()</c>.</summary>
internal sealed class CardWriter(int capacity)
{
    private readonly ArrayBufferWriter<byte> _text = new(Math.Max(capacity, 64));

    public CardWriter Card(char letter)
    {
        Byte((byte)letter);
        return this;
    }

    /// <summary>An argument, escaped.</summary>
    public CardWriter Text(CardText text)
    {
        Byte((byte)' ');
        FossilText.Encode(text.Bytes, _text);
        return this;
    }

    /// <summary>An argument that needs no escape.</summary>
    public CardWriter Raw(ReadOnlySpan<byte> text)
    {
        Byte((byte)' ');
        _text.Write(text);
        return this;
    }

    public CardWriter Hash(ArtifactId id)
    {
        Byte((byte)' ');
        Digits(id);
        return this;
    }

    public CardWriter Date(Instant date)
    {
        Byte((byte)' ');
        _text.Advance(DateText.Write(date, _text.GetSpan(DateText.Length)));
        return this;
    }

    /// <summary>As in E cards: to the second, unless there is a fraction.</summary>
    public CardWriter Moment(Instant date)
    {
        if (date.UnixMilliseconds % 1000 != 0) return Date(date);

        Byte((byte)' ');
        _text.Advance(DateText.WriteSeconds(date, _text.GetSpan(DateText.Length)));
        return this;
    }

    public void End() => Byte((byte)'\n');

    /// <summary><c>F NAME [HASH [PERM [OLDNAME]]]</c>; <c>w</c> holds the place of PERM before OLDNAME.</summary>
    public void File(in FileDraft file)
    {
        _text.Write("F "u8);
        FossilText.Encode(file.Name.Span, _text);
        if (!file.Id.IsEmpty)
        {
            Byte((byte)' ');
            Digits(file.Id);
            var permission = file.Permission switch
            {
                FilePermission.Executable => " x"u8,
                FilePermission.Symlink => " l"u8,
                _ => file.OldName.IsEmpty ? default : " w"u8,
            };
            _text.Write(permission);
            if (!file.OldName.IsEmpty)
            {
                Byte((byte)' ');
                FossilText.Encode(file.OldName.Span, _text);
            }
        }

        End();
    }

    public void Cherrypick(CherrypickCard pick)
    {
        _text.Write(pick.IsBackout ? "Q -"u8 : "Q +"u8);
        Digits(pick.Target);
        if (!pick.Base.IsEmpty) Hash(pick.Base);
        End();
    }

    public void Tag(in TagDraft tag)
    {
        _text.Write("T "u8);
        Byte(ArtifactDraft.PrefixOf(tag.Action));
        FossilText.Encode(tag.Name.Bytes, _text);
        if (tag.Target.IsEmpty) _text.Write(" *"u8);
        else Hash(tag.Target);
        if (!tag.Value.IsAbsent) Text(tag.Value);
        End();
    }

    public void Body(ReadOnlySpan<byte> body)
    {
        _text.Write("W "u8);
        Utf8Formatter.TryFormat(body.Length, _text.GetSpan(11), out var written);
        _text.Advance(written);
        End();
        _text.Write(body);
        End();
    }

    /// <summary>Adds the Z card and returns the text.</summary>
    public byte[] Finish()
    {
        Span<byte> checksum = stackalloc byte[ArtifactChecksum.HexLength];
        ArtifactChecksum.WriteHex(_text.WrittenSpan, checksum);
        Card('Z').Raw(checksum).End();
        return _text.WrittenSpan.ToArray();
    }

    private void Digits(ArtifactId id)
    {
        id.TryWriteHex(_text.GetSpan(ArtifactId.HexLengthMax), out var written);
        _text.Advance(written);
    }

    private void Byte(byte value)
    {
        _text.GetSpan(1)[0] = value;
        _text.Advance(1);
    }
}
