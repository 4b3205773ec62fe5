using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Queries;

/// <summary>
/// The number of check-ins of a repository, for callers after each commit: new ones are counted alone, and all of them
/// only now and then, or while phantoms with old numbers are being filled.
/// </summary>
public sealed class CheckinCount
{
    private static readonly TimeSpan CountAllEvery = TimeSpan.FromMinutes(1);

    private long _count;
    private long _upTo;
    private bool _hadPhantoms;
    private Instant? _countedAt;

    /// <summary>How often everything was counted.</summary>
    public long Scans { get; private set; }

    /// <param name="hasPhantoms">Phantoms keep their numbers when their content arrives.</param>
    internal long Read(Database database, Instant now, bool hasPhantoms)
    {
        if (_countedAt is not { } at || hasPhantoms || _hadPhantoms || now - at >= CountAllEvery || now < at)
        {
            _countedAt = now;
            Scans++;
            _count = database.QueryInt64("SELECT count(*) FROM event WHERE type='ci'");
        }
        else
        {
            using var select = database.Prepare("SELECT count(*) FROM event WHERE objid>?1 AND type='ci'");
            if (select.Bind(1, _upTo).Step()) _count += select.Int64(0);
        }

        _hadPhantoms = hasPhantoms;
        _upTo = database.QueryInt64("SELECT coalesce(max(objid),0) FROM event");
        return _count;
    }
}
