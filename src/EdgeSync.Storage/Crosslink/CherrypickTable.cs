using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// The cherrypick table: which check-in merged or backed out which other one. An unknown source is not requested; until
/// its name appears, the pair waits in a table of our own, so that the result equals that of a rebuild.
/// </summary>
/// <remarks>
/// Differs from Fossil: stock drops such a pair until the next rebuild. The table's name begins with <c>fx_</c>, so
/// stock's rebuild leaves it alone; ours fills it again.
/// </remarks>
internal sealed class CherrypickTable(LinkContext context)
{
    private bool? _isWaiting;

    /// <summary>Checks again whether pairs wait, since another process may have added some.</summary>
    public void Forget() => _isWaiting = null;

    public void Write(RecordId child, ReadOnlySpan<CherrypickCard> cards)
    {
        foreach (var card in cards)
        {
            if (card.IsUpperCase) continue;   // Spec: manifest.c: blob.uuid=%Q finds none.

            var source = context.Store.Find(card.Target);
            if (source.IsNone) Wait(child, card);
            else Write(source, child, card.IsBackout);
        }
    }

    /// <summary>Writes the pairs of check-ins that cherry-picked this one before it arrived.</summary>
    public void TakeWaiting(RecordId source)
    {
        _isWaiting ??= context.Database.HasTable("fx_cherrypick_wait");
        if (_isWaiting == false) return;

        var id = context.Store.IdOf(source);
        using (var query = context.Database.Prepare("SELECT childid, isExclude FROM fx_cherrypick_wait WHERE uuid=?1"))
        {
            query.Bind(1, id);
            while (query.Step()) Write(source, query.Record(0), query.Boolean(1));
        }

        using var delete = context.Database.Prepare("DELETE FROM fx_cherrypick_wait WHERE uuid=?1");
        delete.Bind(1, id).Run();
    }

    private void Write(RecordId source, RecordId child, bool isBackout)
    {
        using var insert = context.Database.Prepare(
            "REPLACE INTO cherrypick(parentid,childid,isExclude) VALUES(?1,?2,?3)");
        insert.Bind(1, source).Bind(2, child).Bind(3, isBackout ? 1L : 0L).Run();
    }

    private void Wait(RecordId child, CherrypickCard card)
    {
        context.Database.Execute(
            """
            CREATE TABLE IF NOT EXISTS fx_cherrypick_wait(
              uuid TEXT, childid INTEGER, isExclude BOOLEAN, PRIMARY KEY(uuid, childid)
            ) WITHOUT ROWID
            """);
        _isWaiting = true;
        using var insert = context.Database.Prepare(
            "REPLACE INTO fx_cherrypick_wait(uuid,childid,isExclude) VALUES(?1,?2,?3)");
        insert.Bind(1, card.Target).Bind(2, child).Bind(3, card.IsBackout ? 1L : 0L).Run();
    }
}
