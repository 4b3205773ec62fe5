using System.Runtime.CompilerServices;
using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// Pages that visitors without a login have asked for, kept until their repository has changed: what such a page shows
/// depends on the repository, its address, and the rights of <c>nobody</c>, which are in the repository. SQLite's
/// <c>data_version</c> of a connection is another number after each commit of another one; so each reader of a
/// repository has pages of its own. All of them together are bounded, whatever the number of repositories.
/// </summary>
internal sealed class PageCache
{
    /// <summary>Of all pages together; beyond it all are made anew.</summary>
    public const int BytesMax = 4 << 20;

    private const int EntriesMax = 1024, PageBytesMax = 256 << 10, KeyCharsMax = 1000;

    private readonly ConditionalWeakTable<Repository, object> _readers = [];
    private readonly Lock _gate = new();
    private readonly Dictionary<(object Reader, string Key), (long Version, PageAnswer Page)> _pages = [];
    private long _bytes;

    /// <summary>The bytes of the pages that are kept.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate) return _bytes;
        }
    }

    /// <summary>The page of a key, as it was kept or made now. Called on the reader's thread.</summary>
    /// <param name="repository">Open to be read.</param>
    /// <param name="key">All that the page depends on besides the repository; null: it is not kept.</param>
    public PageAnswer Of(Repository repository, string? key, Func<PageAnswer> make)
    {
        if (key is null || key.Length > KeyCharsMax) return make();

        // Before the page is made: a commit while it is made is another number next time.
        var version = repository.Database.QueryInt64("PRAGMA data_version");
        // Not the repository itself, which may be closed: its pages go with the others.
        var place = (_readers.GetOrCreateValue(repository), key);
        lock (_gate)
            if (_pages.TryGetValue(place, out var known) && known.Version == version) return known.Page;

        var answer = make();
        if (answer is { Status: 200, IsSecret: false, ComesAgain: false } && answer.Body.Length <= PageBytesMax)
            Keep(place, version, answer);
        return answer;
    }

    private void Keep((object Reader, string Key) place, long version, PageAnswer answer)
    {
        lock (_gate)
        {
            if (_pages.Remove(place, out var old)) _bytes -= old.Page.Body.Length;
            if (_pages.Count >= EntriesMax || _bytes + answer.Body.Length > BytesMax)
            {
                _pages.Clear();
                _bytes = 0;
            }

            _pages[place] = (version, answer);
            _bytes += answer.Body.Length;
        }
    }
}
