using System.Runtime.CompilerServices;
using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// Pages that visitors without a login have asked for, kept for each reader of a repository until that has changed:
/// what such a page shows depends on the repository, its address, and the rights of <c>nobody</c>, which are in the
/// repository. SQLite's <c>data_version</c> of a connection is another number after each commit of another one.
/// </summary>
internal sealed class PageCache
{
    private const int EntriesMax = 64, BytesMax = 1 << 20, PageBytesMax = 256 << 10, KeyCharsMax = 1000;

    private readonly ConditionalWeakTable<Repository, Kept> _kept = [];

    /// <summary>The page of a key, as it was kept or made now. Called on the reader's thread.</summary>
    /// <param name="repository">Open to be read.</param>
    /// <param name="key">All that the page depends on besides the repository; null: it is not kept.</param>
    public PageAnswer Of(Repository repository, string? key, Func<PageAnswer> make)
    {
        if (key is null || key.Length > KeyCharsMax) return make();

        // Before the page is made: a commit while it is made is another number next time.
        var version = repository.Database.QueryInt64("PRAGMA data_version");
        var kept = _kept.GetOrCreateValue(repository);
        if (kept.Version != version) kept.Clear(version);
        if (kept.Pages.TryGetValue(key, out var known)) return known;

        var answer = make();
        if (answer is not { Status: 200, IsSecret: false, ComesAgain: false } || answer.Body.Length > PageBytesMax)
            return answer;

        if (kept.Pages.Count >= EntriesMax || kept.Bytes + answer.Body.Length > BytesMax) kept.Clear(version);
        kept.Pages[key] = answer;
        kept.Bytes += answer.Body.Length;
        return answer;
    }

    private sealed class Kept
    {
        public long Version { get; private set; } = -1;

        public long Bytes { get; set; }

        public Dictionary<string, PageAnswer> Pages { get; } = new(StringComparer.Ordinal);

        public void Clear(long version)
        {
            (Version, Bytes) = (version, 0);
            Pages.Clear();
        }
    }
}
