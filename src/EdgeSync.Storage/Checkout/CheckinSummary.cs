using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>A check-in in the lines of <c>merge</c>. Spec: print_checkin_description in merge.c.</summary>
/// <param name="Date">In UTC, to the second.</param>
/// <param name="Tags">Branch and tags; null without one.</param>
public sealed record CheckinSummary(string Hash, string Date, string User, string Comment, string? Tags)
{
    public static CheckinSummary Of(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT coalesce(datetime(mtime),''), coalesce(euser,user,'?'), coalesce(ecomment,comment,''),
                   (SELECT group_concat(substr(tagname,5), ', ') FROM tag JOIN tagxref USING(tagid)
                     WHERE tagname GLOB 'sym-*' AND tagxref.rid=?1 AND tagtype>0)
              FROM event WHERE objid=?1
            """);
        var hash = repository.Content.NameOf(rid).ToString();
        return select.Bind(1, rid).Step()
            ? new CheckinSummary(hash, select.Text(0)!, select.Text(1)!, select.Text(2)!, select.Text(3))
            : new CheckinSummary(hash, "", "?", "", null);
    }
}
