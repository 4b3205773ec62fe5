using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Tests.Support;

internal sealed class MemoryUnversioned(Func<SortedDictionary<string, MemoryFile>> files) : IUnversionedStore
{
    public string CatalogHash
    {
        get
        {
            var lines = new StringBuilder();
            foreach (var (entry, _) in files().Values)
                if (!entry.IsDeletion)
                    lines.Append(
                        CultureInfo.InvariantCulture,
                        $"{entry.Name} {Instant.FromUnixSeconds(entry.MtimeSeconds).ToDateTime():yyyy-MM-dd HH:mm:ss} "
                            + $"{entry.Hash}\n");
            return Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(lines.ToString())));
        }
    }

    public IReadOnlyList<UnversionedEntry> List() => [.. files().Values.Select(f => f.Entry)];

    public bool TryFind(string name, out UnversionedEntry entry)
    {
        var found = files().TryGetValue(name, out var file);
        entry = file?.Entry ?? default;
        return found;
    }

    public bool TryRead(string name, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (!files().TryGetValue(name, out var file) || file.Entry.IsDeletion) return false;

        content = file.Content;
        return true;
    }

    public void Put(in UnversionedEntry entry, ReadOnlySpan<byte> content) =>
        files()[entry.Name] = new MemoryFile(entry, content.ToArray());

    public void Touch(string name, long mtimeSeconds)
    {
        var file = files()[name];
        files()[name] = file with { Entry = file.Entry with { MtimeSeconds = mtimeSeconds } };
    }

    public void Delete(string name, long mtimeSeconds) =>
        files()[name] = new MemoryFile(new UnversionedEntry(name, mtimeSeconds, default, 0), []);

    public void Forget(string name) => files().Remove(name);
}
