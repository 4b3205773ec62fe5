using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Checks whether a repository file is the one that a checkout was made from: record numbers are good in one file only.
/// Spec: db_fingerprint in db.c.
/// </summary>
internal static class RepositoryFingerprint
{
    /// <summary><c>RCVID/MD5</c> of a row of <c>rcvfrom</c>, the newest for 0; null when there is none.</summary>
    public static string? Of(Repository repository, long receiveId)
    {
        using var select = receiveId <= 0
            ? repository.Database.Prepare(
                """
                SELECT rcvid, quote(uid), datetime(mtime), quote(nonce), quote(ipaddr)
                  FROM rcvfrom ORDER BY rcvid DESC LIMIT 1
                """)
            : repository.Database.Prepare(
                """
                SELECT rcvid, quote(uid), datetime(mtime), quote(nonce), quote(ipaddr) FROM rcvfrom WHERE rcvid=?1
                """);
        if (receiveId > 0) select.Bind(1, receiveId);
        if (!select.Step()) return null;

        var md5 = new Md5Hasher();
        for (var i = 1; i <= 4; i++) md5.Append(select.Bytes(i));
        return $"{select.Int64(0)}/{md5.Finish()}";
    }

    /// <summary>Whether the file is the one that the text was made of.</summary>
    public static bool Matches(Repository repository, string? fingerprint)
    {
        if (fingerprint is null) return true;

        var slash = fingerprint.IndexOf('/', StringComparison.Ordinal);
        return slash > 0
            && long.TryParse(fingerprint.AsSpan(0, slash), CultureInfo.InvariantCulture, out var receiveId)
            && Of(repository, receiveId) == fingerprint;
    }
}
