using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Tests.Support;

/// <summary>Small repositories in memory with users and a history.</summary>
internal static class SampleProject
{
    public const string Code = "0123456789abcdef0123456789abcdef01234567";

    /// <summary>
    /// A store with stock's default users, and tester (password secret) with <paramref name="capabilities"/>.
    /// </summary>
    public static MemoryArtifactStore Create(string capabilities = "s", string nobody = "gjorz", string? code = Code)
    {
        var store = new MemoryArtifactStore(code, new string('a', 40));
        store.Write(() =>
        {
            var users = store.State.Users;
            users["nobody"] = new UserAccount(3, "nobody", "", nobody);
            users["anonymous"] = new UserAccount(2, "anonymous", "4FA2C1", "hmnc");
            users["developer"] = new UserAccount(4, "developer", "", "ei");
            users["reader"] = new UserAccount(5, "reader", "", "kptw");
            users["tester"] = new UserAccount(
                1, "tester", EdgeSync.Fossil.Xfer.XferLogin.SharedSecret(Code, "tester", "secret"), capabilities);
        });
        return store;
    }

    public static SyncLogin Login { get; } = new("tester", "secret");

    /// <summary>Adds a check-in over one file per name; answers its name.</summary>
    public static ArtifactId CheckIn(
        MemoryArtifactStore store, string comment, ArtifactId parent,
        params ReadOnlySpan<(string Name, string Content)> files)
    {
        var drafts = new List<FileDraft>();
        foreach (var (name, content) in files)
            drafts.Add(new FileDraft(Encoding.UTF8.GetBytes(name), store.Add(Encoding.UTF8.GetBytes(content))));
        drafts.Sort(ArtifactDraft.FileOrder);
        var draft = new ArtifactDraft
        {
            Comment = comment,
            Date = DirectExchange.Now,
            User = "tester",
            Files = drafts,
            Parents = parent.IsEmpty ? [] : [parent],
            HasEmptyParents = parent.IsEmpty,
        };
        return store.Add(draft.ToBytes());
    }

    /// <summary>A line of check-ins in which every text resembles the one before.</summary>
    public static ArtifactId History(MemoryArtifactStore store, int count, ulong seed = 1, ArtifactId parent = default)
    {
        var prng = new Prng(seed);
        var lines = Enumerable.Range(1, 40).Select(i => $"line {i} of {seed}").ToList();
        for (var i = 0; i < count; i++)
        {
            lines[prng.NextInt32(lines.Count)] = $"changed in {i} by {prng.NextUInt64():x}";
            parent = CheckIn(
                store,
                $"check-in {i} of {seed}",
                parent,
                ("a.txt", string.Join('\n', lines)),
                ($"other/{seed}-{i % 5}.txt", $"{seed} {i}\n"));
        }

        return parent;
    }

    /// <summary>Turns older texts into deltas of what replaced them, as a repository holds them.</summary>
    public static void Deltify(MemoryArtifactStore store)
    {
        foreach (var row in store.State.ByRid.ToList())
            if (!row.Predecessor.IsEmpty && row.Text is { Length: > 100 })
                store.Deltify(row.Predecessor, row.Id);
    }

    public static ClientOptions Options(SyncActions actions) => new() { Actions = actions, Login = Login };
}
