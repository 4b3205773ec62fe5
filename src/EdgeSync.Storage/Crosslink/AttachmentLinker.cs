using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>Files attached to wiki pages, tickets and technotes.</summary>
internal sealed class AttachmentLinker(LinkContext context, EventTable events, TagTable tags)
{
    public void Link(RecordId record, Artifact attachment)
    {
        using (var insert = context.Database.Prepare(
            "INSERT INTO attachment(attachid,mtime,src,target,filename,comment,user) VALUES(?1,?2,?3,?4,?5,?6,?7)"))
        {
            insert.Bind(1, record).Bind(2, StockNumber.AsStored(attachment.JulianDay));
            if (attachment.AttachmentSource.IsEmpty) insert.BindNull(3);
            else insert.BindText(3, attachment.AttachmentSourceText);
            insert.BindText(4, attachment.AttachmentTarget).BindText(5, attachment.AttachmentName);
            insert.BindText(6, attachment.Comment);
            if (attachment.HasCard('U')) insert.BindText(7, attachment.User);
            else insert.BindNull(7);
            insert.Run();
        }

        using (var update = context.Database.Prepare(
            """
            UPDATE attachment SET isLatest = (mtime==(SELECT max(mtime) FROM attachment WHERE target=?1 AND filename=?2))
            WHERE target=?1 AND filename=?2
            """))
        {
            update.BindText(1, attachment.AttachmentTarget).BindText(2, attachment.AttachmentName).Run();
        }

        var type = TypeOf(attachment.AttachmentTarget);
        var user = attachment.HasCard('U') ? attachment.User.ToArray() : null;
        var comment = System.Text.Encoding.Latin1.GetBytes(Describe(attachment, type));
        events.Write(type, attachment.JulianDay, record, user, comment);
    }

    /// <summary>When a ticket or technote becomes known, events of earlier attachments to it are reworded.</summary>
    public void Rename(string target, bool isTicket)
    {
        var found = new List<(RecordId Record, string? Source, byte[] Name)>();
        using (var query = context.Database.Prepare("SELECT attachid, src, filename FROM attachment WHERE target=?1"))
        {
            query.BindText(1, target);
            while (query.Step()) found.Add((query.Record(0), query.Text(1), query.Bytes(2).ToArray()));
        }

        foreach (var (record, source, name) in found)
        {
            var text = new EventText(context.Settings);
            if (string.IsNullOrEmpty(source)) text.Add("Delete attachment \"").AddHtml(name).Add("\" from");
            else text.Add("Add attachment [/artifact/").AddUrlHash(source).Add("|").AddHtml(name).Add("] to");
            AddTarget(text, target, isTicket);
            events.Rewrite(record, isTicket ? 't' : 'e', text.ToString());
        }
    }

    private static void AddTarget(EventText text, string target, bool isTicket)
    {
        if (isTicket) text.Add(" ticket ").AddLink(target);
        else text.Add(" tech note [/technote/").AddUrlHash(target).Add("|").AddHash(target).Add("]");
    }

    private char TypeOf(ReadOnlySpan<byte> target)
    {
        if (!IsHash(target)) return 'w';
        if (tags.Find([.. "tkt-"u8, .. target]) != 0) return 't';
        return tags.Find([.. "event-"u8, .. target]) != 0 ? 'e' : 'w';
    }

    private static bool IsHash(ReadOnlySpan<byte> text)
    {
        if (text.Length is not (40 or 64)) return false;
        foreach (var c in text)
            if (!char.IsAsciiHexDigitLower((char)c)) return false;
        return true;
    }

    // The kinds differ in small ways, as in stock (a technote's deletion shows a link as a name).
    private string Describe(Artifact attachment, char type)
    {
        var text = new EventText(context.Settings);
        var target = EventText.FromBytes(attachment.AttachmentTarget);
        var name = attachment.AttachmentName;
        var isAdded = !attachment.AttachmentSource.IsEmpty;
        if (isAdded)
        {
            text.Add("Add attachment [/artifact/").AddUrlHash(EventText.FromBytes(attachment.AttachmentSourceText));
            text.Add("|").AddHtml(name).Add("] to");
        }
        else if (type == 'e')
        {
            text.Add("Delete attachment \"/artifact/").AddUrlHash(EventText.FromBytes(name)).Add("|").AddHtml(name);
            text.Add("\" from");
        }
        else
        {
            text.Add("Delete attachment \"").AddHtml(name).Add("\" from");
        }

        if (type == 'w') text.Add(" wiki page [").AddHtml(attachment.AttachmentTarget).Add("]");
        else AddTarget(text, target, isTicket: type == 't');
        return text.ToString();
    }
}
