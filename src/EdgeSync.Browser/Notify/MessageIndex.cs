using System.Diagnostics.CodeAnalysis;
using System.Text;
using EdgeSync.Agent.Notify;
using EdgeSync.Browser.History;
using EdgeSync.Browser.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Notify;

/// <summary>
/// Finds the messages in the check-ins of a store and numbers them as they arrive, once each. The messages of a
/// check-in are numbered after those of its parents, so that a thread is read in order although a sync brings artifacts
/// in any order. The same rules as of the program's index (Storage/Notify), over a history in memory.
/// </summary>
/// <param name="device">Identity of this device: its own messages count as read.</param>
internal sealed class MessageIndex(PageStore store, string device)
{
    /// <summary>After this time a message whose predecessor has not arrived is numbered without it.</summary>
    public static readonly TimeSpan PatienceForParents = TimeSpan.FromMinutes(1);

    private readonly PageRepository _repository = new(store);
    private Instant _looked;

    /// <summary>When a message is to be numbered without its predecessor; null: none waits.</summary>
    public Instant? Deadline
    {
        get
        {
            Instant? first = null;
            foreach (var since in State.Waiting.Values)
                if (since + PatienceForParents > _looked)
                    first = Instant.Earlier(since + PatienceForParents, first);
            return first;
        }
    }

    private MessageState State => store.State.Messages;

    /// <summary>Numbers what has arrived; returns it in order.</summary>
    public IReadOnlyList<IndexedMessage> Update(Instant now)
    {
        _looked = now;
        if (store.CloneIsOpen || (State.Through == store.History.Shown.Count && State.Waiting.Count == 0)) return [];

        return store.Write(now, () => Number(now));
    }

    private List<IndexedMessage> Number(Instant now)
    {
        // Parents come first: a check-in is dated after them.
        var left = Arrived().OrderBy(checkin => checkin.Date).ThenBy(checkin => checkin.Rid).ToList();
        var waiting = left.Select(checkin => checkin.Id).ToHashSet();
        var numbered = new List<IndexedMessage>();
        for (var hasProgress = true; hasProgress;)
        {
            var done = left.RemoveAll(checkin =>
            {
                if (!TryNumber(checkin, waiting, now, numbered)) return false;

                waiting.Remove(checkin.Id);
                if (State.Waiting.Remove(checkin.Id)) store.Record(RecordKind.MessageWaitEnd).Id(checkin.Id);
                return true;
            });
            hasProgress = done > 0 && left.Count > 0;
        }

        foreach (var checkin in left)
            if (State.Waiting.TryAdd(checkin.Id, now))
                store.Record(RecordKind.MessageWait).Id(checkin.Id).Int64(now.UnixTicks);
        return numbered;
    }

    private List<CheckIn> Arrived()
    {
        var found = State.Waiting.Keys.Select(id => store.History.Find(id)!).ToList();
        var shown = store.History.Shown;
        for (var i = State.Through; i < shown.Count; i++)
            if (shown[i].IsCheckIn)
                found.Add(store.History.Find(store.State.Find(shown[i].Rid)!.Id)!);
        if (State.Through == shown.Count) return found;

        State.Through = shown.Count;
        store.Record(RecordKind.MessagesThrough).Int32(State.Through);
        return found;
    }

    // True: nothing is left to number in it.
    private bool TryNumber(
        CheckIn checkin, HashSet<ArtifactId> waiting, Instant now, List<IndexedMessage> numbered)
    {
        var isPatient = State.Waiting.TryGetValue(checkin.Id, out var since) && now - since >= PatienceForParents;
        if (!isPatient && checkin.Parents.Any(p => store.History.Find(p) is null || waiting.Contains(p))) return false;
        if (!_repository.TryFilesOf(checkin.Id, out var files)) return false;

        var due = new List<(string Path, ArtifactId Id)>();
        var isWhole = true;
        foreach (var file in files)
        {
            if (State.Files.Contains(file.Id)) continue;

            var path = Encoding.UTF8.GetString(file.Name);
            if (!NotifyNames.IsFile(path)) continue;
            if (store.Holds(file.Id)) due.Add((path, file.Id));
            else isWhole = false;
        }

        if (!isWhole && !isPatient) return false;

        foreach (var (path, id) in due) Take(path, id, checkin, numbered);
        return isWhole;
    }

    private void Take(string path, ArtifactId file, CheckIn checkin, List<IndexedMessage> numbered)
    {
        // A copy of a message is none.
        if (!TryRead(path, file, out var message) || State.ById.ContainsKey(message.Id))
        {
            if (State.Files.Add(file)) store.Record(RecordKind.NoMessage).Id(file);
            return;
        }

        var indexed = new IndexedMessage
        {
            Seq = State.Messages.Count + 1,
            Id = message.Id,
            Project = message.Project,
            Thread = message.Thread,
            Time = message.Timestamp,
            From = message.From,
            FromName = message.FromName,
            Priority = message.Priority,
            Preview = message.Preview,
            File = file,
            CheckIn = checkin.Id,
        };
        indexed.Write(store.Record(RecordKind.Message));
        State.Add(indexed);
        if (message.From.Length > 0 && message.From == device) MarkRead(message.Id);
        numbered.Add(indexed);
    }

    /// <summary>Inside of a round; false: it is unknown, or was read before.</summary>
    public bool MarkRead(string id)
    {
        if (!State.MarkRead(id)) return false;

        store.Record(RecordKind.MessageRead).Text(id);
        return true;
    }

    private bool TryRead(
        string path, ArtifactId file, [NotNullWhen(true)] out NotifyMessage? message)
    {
        message = null;
        return store.IsReadable(file) && store.SizeOf(store.State.ById[file].Rid) <= NotifyCodec.BytesMax
            && NotifyCodec.TryParseFile(path, store.Read(file).Span, out message);
    }
}
