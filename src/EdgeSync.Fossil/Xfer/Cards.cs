using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Xfer;

/// <summary>"I have this artifact": <c>igot ID ?FLAG?</c>.</summary>
internal readonly record struct IGotCard(ArtifactId Id, bool IsPrivate)
{
    // Spec: xfer.c. Only FLAG "1" means private, and later arguments are skipped.
    public static bool TryParse(in XferCard card, out IGotCard igot)
    {
        igot = default;
        if (card.Kind != CardKind.IGot || !ArtifactId.TryParse(card[1], out var id)) return false;

        igot = new IGotCard(id, card[2].SequenceEqual("1"u8));
        return true;
    }
}

/// <summary>"Send me this artifact": <c>gimme ID</c>.</summary>
internal readonly record struct GimmeCard(ArtifactId Id)
{
    public static bool TryParse(in XferCard card, out GimmeCard gimme)
    {
        gimme = default;
        if (card.Kind != CardKind.Gimme || card.Count != 2 || !ArtifactId.TryParse(card[1], out var id)) return false;

        gimme = new GimmeCard(id);
        return true;
    }
}

/// <summary>A full text or a delta: <c>file ID ?SOURCE? SIZE</c>.</summary>
internal readonly record struct FileCard(ArtifactId Id, ArtifactId Source)
{
    public static bool TryParse(in XferCard card, out FileCard file)
    {
        file = default;
        var source = default(ArtifactId);
        if (card.Kind != CardKind.File
            || !ArtifactId.TryParse(card[1], out var id)
            || (card.Count == 4 && !ArtifactId.TryParse(card[2], out source)))
            return false;

        file = new FileCard(id, source);
        return true;
    }
}

/// <summary>The stored bytes of an artifact: <c>cfile ID ?SOURCE? USIZE CSIZE</c>.</summary>
internal readonly record struct CFileCard(ArtifactId Id, ArtifactId Source, long ExpandedSize)
{
    public static bool TryParse(in XferCard card, out CFileCard file)
    {
        file = default;
        var source = default(ArtifactId);
        if (card.Kind != CardKind.CFile
            || !ArtifactId.TryParse(card[1], out var id)
            || (card.Count == 5 && !ArtifactId.TryParse(card[2], out source))
            || !XferNumber.TryParse(card[card.Count - 2], out var expandedSize))
            return false;

        file = new CFileCard(id, source, expandedSize);
        return true;
    }
}

/// <summary>Credentials: <c>login USER NONCE SIGNATURE</c>. <see cref="XferLogin"/> checks them.</summary>
internal readonly ref struct LoginCard
{
    public string User { get; private init; }

    public ReadOnlySpan<byte> Nonce { get; private init; }

    public ReadOnlySpan<byte> Signature { get; private init; }

    public static bool TryParse(in XferCard card, out LoginCard login)
    {
        login = default;
        if (card.Kind != CardKind.Login || card.Count != 4) return false;

        login = new LoginCard { User = XferText.Decode(card[1]), Nonce = card[2], Signature = card[3] };
        return true;
    }
}

/// <summary><c>push SERVERCODE PROJECTCODE</c> and <c>pull SERVERCODE PROJECTCODE</c>.</summary>
internal readonly record struct ProjectCard(string ServerCode, string ProjectCode)
{
    // Spec: xfer.c requires of the second code only the form of a hash (40 or 64 digits).
    public static bool TryParse(in XferCard card, out ProjectCard project)
    {
        project = default;
        if (card.Kind is not (CardKind.Push or CardKind.Pull) || card.Count != 3
            || !ArtifactId.TryParse(card[2], out _))
            return false;

        project = new ProjectCard(XferText.Decode(card[1]), Encoding.ASCII.GetString(card[2]));
        return true;
    }
}

/// <summary><c>clone</c> (version 1) or <c>clone VERSION SEQNO</c>.</summary>
internal readonly record struct CloneCard(int Version, long Seqno)
{
    // Spec: xfer.c: anything but a number of at least 2 means version 1; a sequence number of 0 means 1.
    public static bool TryParse(in XferCard card, out CloneCard clone)
    {
        clone = new CloneCard(1, 1);
        if (card.Kind != CardKind.Clone) return false;
        if (card.Count != 3 || !XferNumber.TryParse(card[1], out var version) || version < 2) return true;
        if (!XferNumber.TryParse(card[2], out var seqno)) return false;

        clone = new CloneCard((int)Math.Min(version, int.MaxValue), Math.Max(1, seqno));
        return true;
    }
}

/// <summary><c>clone_seqno N</c>: the next rid to request, 0 at the end.</summary>
internal readonly record struct CloneSeqnoCard(long Next)
{
    public static bool TryParse(in XferCard card, out CloneSeqnoCard seqno)
    {
        seqno = default;
        if (card.Kind != CardKind.CloneSeqno || card.Count != 2 || !XferNumber.TryParse(card[1], out var next))
            return false;

        seqno = new CloneSeqnoCard(next);
        return true;
    }
}

/// <summary><c>config NAME SIZE</c>; only names that start with a slash are in use.</summary>
internal readonly ref struct ConfigCard
{
    public ReadOnlySpan<byte> Name { get; private init; }

    public ReadOnlySpan<byte> Body { get; private init; }

    public static bool TryParse(in XferCard card, out ConfigCard config)
    {
        config = default;
        if (card.Kind != CardKind.Config || card.Count != 3 || !XferNumber.TryParse(card[2], out _)) return false;

        config = new ConfigCard { Name = card[1], Body = card.Payload };
        return true;
    }
}

/// <summary>One argument of text: <c>message T</c>, <c>error T</c>, <c>cookie T</c>, <c>reqconfig T</c>.</summary>
internal readonly record struct TextCard(string Text)
{
    public static bool TryParse(in XferCard card, out TextCard text)
    {
        text = default;
        if (card.Count != 2
            || card.Kind is not (CardKind.Message or CardKind.Error or CardKind.Cookie or CardKind.ReqConfig))
            return false;

        text = new TextCard(card.Kind == CardKind.Cookie ? Encoding.UTF8.GetString(card[1]) : XferText.Decode(card[1]));
        return true;
    }
}
