using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation;

/// <summary>
/// The changes of repositories: check-ins on branches, tags, wiki pages, tickets, technotes, attachments,
/// unversioned files, private texts, rows; and shunning.
/// </summary>
internal sealed class Workload(Prng prng)
{
    private readonly List<(ArtifactId Id, SortedDictionary<string, string> Files)> _checkIns = [];
    private int _serial;

    public static SyncedTableSchema Table { get; } = new(
        "peer",
        1,
        1,
        SyncedConflict.MtimeWins,
        [new SyncedColumn("id", SyncedColumnType.Text, true), new SyncedColumn("v", SyncedColumnType.Integer, false)]);

    private readonly (ArtifactId Id, Instant Date)[] _technotes = new (ArtifactId, Instant)[3];

    /// <summary>Names of everything private that was made.</summary>
    public HashSet<ArtifactId> Private { get; } = [];

    /// <summary>Names of shunned artifacts, by the repository that shuns them.</summary>
    public HashSet<ArtifactId> Shunned { get; } = [];

    /// <summary>Does one thing at one node; answers what.</summary>
    public string Step(SimNode node, Instant now)
    {
        _serial++;
        switch (prng.NextInt32(27))
        {
            case < 11:
                return CheckIn(node, now);
            case < 13:
                return Tag(node, now);
            case < 14:
                return Wiki(node, now);
            case < 17:
                return Unversioned(node, now);
            case < 19:
                return Row(node, now);
            case < 21:
                return Ticket(node, now);
            case < 23:
                return Technote(node, now);
            case < 25:
                return Attach(node, now);
            case < 26:
                return Shun(node, now);
            default:
                return PrivateText(node, now);
        }
    }

    private string CheckIn(SimNode node, Instant now)
    {
        var known = Known(node, now);
        var parent = known.Count > 0 && prng.Chance(0.95) ? known[prng.NextInt32(known.Count)] : default;
        var files = new SortedDictionary<string, string>(parent.Files ?? [], StringComparer.Ordinal);
        for (var i = prng.NextInt32(1, 4); i > 0; i--)
        {
            var name = $"dir{prng.NextInt32(3)}/file{prng.NextInt32(6)}.txt";
            if (prng.Chance(0.1)) files.Remove(name);
            else files[name] = Edit(files.GetValueOrDefault(name));
        }

        var drafts = new List<FileDraft>();
        node.Write(now, store =>
        {
            foreach (var (name, text) in files)
                drafts.Add(new FileDraft(Encoding.UTF8.GetBytes(name), Put(store, text)));
        });
        drafts.Sort(ArtifactDraft.FileOrder);
        var isBranch = parent.Files is null || prng.Chance(0.15);
        var branch = parent.Files is null ? "trunk" : $"branch{prng.NextInt32(4)}";
        var draft = new ArtifactDraft
        {
            Comment = $"check-in {_serial}",
            Date = now,
            User = "tester",
            Files = drafts,
            Parents = parent.Files is null ? [] : [parent.Id],
            HasEmptyParents = parent.Files is null,
            Tags = isBranch
                ?
                [
                    new TagDraft(TagAction.Propagating, "branch", default, branch),
                    new TagDraft(TagAction.Propagating, $"sym-{branch}"),
                ]
                : [],
        };
        var id = Put(node, now, draft.ToBytes());
        _checkIns.Add((id, files));
        return $"check-in {id.ToShortString()}";
    }

    private string Tag(SimNode node, Instant now)
    {
        var known = Known(node, now);
        if (known.Count == 0) return "nothing to tag";

        var target = known[prng.NextInt32(known.Count)].Id;
        var action = prng.Pick<TagAction>([TagAction.Single, TagAction.Propagating, TagAction.Cancel]);
        var tag = new TagDraft(action, prng.Chance(0.3) ? "sym-release" : $"note{prng.NextInt32(3)}", target);
        return $"tag {Put(node, now, ArtifactDraft.Control(now, "tester", [tag]).ToBytes()).ToShortString()}";
    }

    private string Wiki(SimNode node, Instant now)
    {
        var draft = new ArtifactDraft
        {
            Date = now,
            User = "tester",
            Title = $"Page{prng.NextInt32(3)}",
            Body = Edit(null),
            Mimetype = "text/plain",
        };
        return $"wiki {Put(node, now, draft.ToBytes()).ToShortString()}";
    }

    // Two changes of one ticket at one moment differ by their order of arrival, with stock too: so each has its
    // own.
    private string Ticket(SimNode node, Instant now)
    {
        var ticket = ArtifactHash.Compute(HashKind.Sha1, Encoding.ASCII.GetBytes($"ticket {prng.NextInt32(3)}"))
            .ToString();
        FieldDraft[] fields =
        [
            new FieldDraft("title", $"title {_serial}"),
            new FieldDraft(prng.Chance(0.3) ? "+comment" : "status", prng.Chance(0.5) ? "Open" : "Closed"),
        ];
        var draft = ArtifactDraft.Ticket(now + Distinct, "tester", ticket, fields);
        return $"ticket {Put(node, now + Distinct, draft.ToBytes()).ToShortString()}";
    }

    // A version names the one before it and is younger. Of two that do not know of each other both are on the timeline
    // or one is, by their order of arrival, with stock too.
    private string Technote(SimNode node, Instant now)
    {
        var number = prng.NextInt32(3);
        var (prior, priorDate) = _technotes[number];
        var date = now > priorDate ? now + Distinct : priorDate + Distinct;
        var draft = ArtifactDraft.Technote(
            date, "tester", now, TechnoteId(number), Edit(null), $"note {_serial}", prior);
        var id = Put(node, now, draft.ToBytes());
        _technotes[number] = (id, date);
        return $"technote {id.ToShortString()}";
    }

    private string Attach(SimNode node, Instant now)
    {
        ArtifactId content = default;
        node.Write(now, store => content = Put(store, $"attached {_serial} {prng.NextUInt64():x}\n"));
        var target = prng.Chance(0.5) ? $"Page{prng.NextInt32(3)}" : TechnoteId(prng.NextInt32(3));
        var draft = ArtifactDraft.Attach(now + Distinct, "tester", $"file{prng.NextInt32(2)}.txt", target, content);
        return $"attachment {Put(node, now, draft.ToBytes()).ToShortString()}";
    }

    // Something that nothing refers to, which one node puts up and perhaps another one bans: from then on that one
    // neither takes nor gives it, and the others keep it.
    private string Shun(SimNode node, Instant now)
    {
        var text = Encoding.UTF8.GetBytes($"regretted {prng.NextInt32(3)}\n");
        var id = ArtifactHash.Compute(HashKind.Sha3, text);
        if (prng.Chance(0.5))
        {
            node.Write(now, s => s.PutText(id, text, isPrivate: false, out _));
            return $"regretted {id.ToShortString()}";
        }

        Shunned.Add(id);
        node.Shun(id);
        return $"shun {id.ToShortString()}";
    }

    private TimeSpan Distinct => TimeSpan.FromMilliseconds(_serial);

    private static string TechnoteId(int number) =>
        ArtifactHash.Compute(HashKind.Sha1, Encoding.ASCII.GetBytes($"technote {number}")).ToString();

    private string Unversioned(SimNode node, Instant now)
    {
        var name = $"uv{prng.NextInt32(4)}.bin";
        if (prng.Chance(0.25))
        {
            node.Write(now, s =>
            {
                if (s.Unversioned.TryFind(name, out _)) s.Unversioned.Delete(name, now.UnixSeconds);
            });
            return $"uv delete {name}";
        }

        var content = prng.NextBytes(prng.NextInt32(1, 400));
        var hash = ArtifactHash.Compute(HashKind.Sha3, content);
        node.Write(
            now, s => s.Unversioned.Put(new UnversionedEntry(name, now.UnixSeconds, hash, content.Length), content));
        return $"uv {name} {hash.ToShortString()}";
    }

    private string Row(SimNode node, Instant now)
    {
        var isDeleted = prng.Chance(0.25);
        var json = Encoding.UTF8.GetBytes($"{{\"id\":\"k{prng.NextInt32(4)}\",\"v\":{_serial}}}");
        Invariant.Require(SyncedRow.TryCheck(Table, json, out var keyHash));
        node.Write(now, s =>
        {
            Invariant.Require(s.Tables is not null);
            if (!s.Tables.List().Any(t => t.Name == Table.Name)) s.Tables.Declare(Table);

            // Two rows of one second could not be distinguished.
            if (!s.Tables.TryFind(Table.Name, keyHash, out var old) || old.MtimeSeconds < now.UnixSeconds)
                s.Tables.Put(
                    Table.Name, new SyncedRowEntry(keyHash, now.UnixSeconds * 8 + node.Index, isDeleted, null), json);
        });
        return $"row {keyHash[..8]}";
    }

    private string PrivateText(SimNode node, Instant now)
    {
        var text = Encoding.UTF8.GetBytes($"private {_serial} {prng.NextUInt64():x}\n");
        var id = ArtifactHash.Compute(HashKind.Sha3, text);
        node.Write(now, s => s.PutText(id, text, isPrivate: true, out _));
        Private.Add(id);
        return $"private {id.ToShortString()}";
    }

    private List<(ArtifactId Id, SortedDictionary<string, string> Files)> Known(SimNode node, Instant now) =>
        node.Read(now, s => _checkIns.Where(c => s.Lookup(c.Id).IsHeld).TakeLast(8).ToList());

    private string Edit(string? text)
    {
        var lines = text?.Split('\n').ToList() ?? [.. Enumerable.Range(0, 12).Select(i => $"line {i} of {_serial}")];
        lines[prng.NextInt32(lines.Count)] = $"edit {_serial} {prng.NextUInt64():x}";
        return string.Join('\n', lines);
    }

    private static ArtifactId Put(SimNode node, Instant now, byte[] text)
    {
        var id = ArtifactHash.Compute(HashKind.Sha3, text);
        node.Write(now, s => Invariant.Require(s.PutText(id, text, isPrivate: false, out _) <= PutOutcome.AlreadyHeld));
        return id;
    }

    private static ArtifactId Put(IArtifactStore store, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var id = ArtifactHash.Compute(HashKind.Sha3, bytes);
        store.PutText(id, bytes, isPrivate: false, out _);
        return id;
    }
}
