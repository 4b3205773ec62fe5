using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Diff;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Host;

/// <summary>A check-in.</summary>
/// <param name="Hash">Its full name, hexadecimal.</param>
/// <param name="Branch">The branch it is on; empty where no tag names one.</param>
/// <param name="User">Who made it.</param>
/// <param name="Comment">What was said about it.</param>
/// <param name="Date">When it was made, by the clock of who made it.</param>
public sealed record CheckinSummary(string Hash, string Branch, string User, string Comment, DateTimeOffset Date);

/// <summary>A file of a check-in.</summary>
/// <param name="Path">In the tree, with slashes.</param>
/// <param name="Hash">Full name of its content, hexadecimal.</param>
/// <param name="IsExecutable">It may be run.</param>
/// <param name="IsLink">It is a symbolic link, and its content is the target.</param>
public sealed record CheckinFile(string Path, string Hash, bool IsExecutable, bool IsLink);

/// <summary>A check-in to be made: the files of its parent, with changes.</summary>
public sealed record CheckinRequest
{
    /// <summary>Login of who makes it.</summary>
    public required string User { get; init; }

    /// <summary>What is said about it.</summary>
    public string Comment { get; init; } = "";

    /// <summary>New content of files, new ones and old ones, by their path in the tree.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files { get; init; } =
        new Dictionary<string, ReadOnlyMemory<byte>>();

    /// <summary>Paths of files that go.</summary>
    public IReadOnlyList<string> Removed { get; init; } = [];

    /// <summary>Paths among <see cref="Files"/> that become executable.</summary>
    public IReadOnlyList<string> Executable { get; init; } = [];

    /// <summary>A version whose child this becomes; null: the newest of the main branch.</summary>
    public string? Parent { get; init; }

    /// <summary>Starts a branch of this name.</summary>
    public string? NewBranch { get; init; }

    /// <summary>Tags on this check-in alone.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Null: now.</summary>
    public DateTimeOffset? Date { get; init; }

    /// <summary>A check-in is made although its parent has a child on the branch already.</summary>
    public bool AllowsFork { get; init; }
}

/// <summary>
/// A repository as a program sees it: versions are names (a hash or a prefix of one, a branch, a tag, a date,
/// <c>tip</c>), contents are bytes, and no type of Fossil's formats or of SQLite occurs. Each call opens the file, so
/// that calls may come from any thread, beside a node that keeps the repository and beside stock <c>fossil</c>.
/// </summary>
public sealed class HostedRepository
{
    private readonly TimeProvider _clock;
    private readonly Action? _changed;

    private HostedRepository(string path, TimeProvider clock, Action? changed) =>
        (Path, _clock, _changed) = (System.IO.Path.GetFullPath(path), clock, changed);

    /// <summary>Full path of the file.</summary>
    public string Path { get; }

    /// <summary>40 hex digits that all clones of the project have.</summary>
    public string ProjectCode => Read(r => r.ProjectCode);

    /// <summary>Names a repository that exists.</summary>
    /// <exception cref="EdgeSyncException">NotFound, or Corrupt: it is none.</exception>
    public static HostedRepository Open(string path, TimeProvider? clock = null)
    {
        var opened = new HostedRepository(path, clock ?? TimeProvider.System, changed: null);
        opened.Read(r => r.ProjectCode);
        return opened;
    }

    /// <summary>Creates a repository with one user, whose password is returned and stored nowhere else.</summary>
    /// <exception cref="EdgeSyncException">Conflict: the file exists.</exception>
    public static HostedRepository Create(string path, string user, out string password, TimeProvider? clock = null)
    {
        clock ??= TimeProvider.System;
        using (Repository.Create(path, new RepositoryCreateOptions { AdminUser = user, Clock = clock }, out password))
        {
        }

        return new HostedRepository(path, clock, changed: null);
    }

    internal static HostedRepository Of(string path, TimeProvider clock, Action changed) => new(path, clock, changed);

    /// <summary>Makes a check-in. When this returns, it is on disk, and the node that keeps it is notified.</summary>
    /// <exception cref="EdgeSyncException">
    /// Conflict: nothing changed, or another check-in came first (<see cref="CheckinRequest.AllowsFork"/>). Usage: a
    /// path that no tree may have.
    /// </exception>
    public CheckinSummary Commit(CheckinRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var repository = Repository.Open(Path, new RepositoryOptions { Clock = _clock });
        var isExecutable = request.Executable.ToHashSet(StringComparer.Ordinal);
        IEnumerable<FileChange> changes =
        [
            .. request.Files.Select(file => FileChange.Put(
                file.Key, file.Value, isExecutable.Contains(file.Key) ? FilePermission.Executable : null)),
            .. request.Removed.Select(FileChange.Remove),
        ];
        var made = repository.Commit(new CommitOptions
        {
            User = request.User,
            Comment = request.Comment,
            Changes = [.. changes],
            FollowsBranch = request.Parent is null,
            Parent = request.Parent is { } parent ? repository.Names.ResolveCheckin(parent) : RecordId.None,
            Branch = request.NewBranch,
            Tags = request.Tags,
            Date = request.Date is { } date ? Instant.FromDateTime(date) : null,
            AllowsFork = request.AllowsFork,
            IsDatedAfterParents = request.Date is null,
        });
        var summary = Summary(repository, made.Rid);
        _changed?.Invoke();
        return summary;
    }

    /// <summary>The content of a file.</summary>
    /// <exception cref="EdgeSyncException">NotFound: no such version, or it has no such file.</exception>
    public byte[] ReadFile(string version, string path) => Read(repository =>
    {
        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(version));
        using var content = repository.Content.Get(repository.Content.Find(TreeFile.Get(tree, path, version).Id));
        return content.Span.ToArray();
    });

    /// <summary>The files of a version, by path.</summary>
    /// <exception cref="EdgeSyncException">NotFound: no such version.</exception>
    public IReadOnlyList<CheckinFile> ListFiles(string version) => Read(repository =>
        TreeFile.AllOf(CheckInTree.Load(repository, repository.Names.ResolveCheckin(version))).ConvertAll(
            f => new CheckinFile(
                f.Name, f.Id.ToString(), f.Permission == FilePermission.Executable,
                f.Permission == FilePermission.Symlink)));

    /// <summary>What a name of a version stands for.</summary>
    /// <exception cref="EdgeSyncException">NotFound, or Usage: several begin so.</exception>
    public CheckinSummary Resolve(string version) => Read(
        repository => Summary(repository, repository.Names.ResolveCheckin(version)));

    /// <summary>The newest check-ins, the newest first.</summary>
    /// <param name="limit">At most; 0: all.</param>
    /// <param name="branch">Only of this branch or tag; null: all.</param>
    public IReadOnlyList<CheckinSummary> Timeline(int limit, string? branch = null) => Read(repository =>
        Storage.Queries.Timeline.List(repository, limit, "ci", branch, before: null)
            .Select(e => new CheckinSummary(
                e.Id.ToString(), e.Branch ?? "", e.User, e.Comment, e.Date.ToDateTime()))
            .ToList());

    /// <summary>The difference of two versions as a unified diff, which <c>patch</c> reads.</summary>
    /// <exception cref="EdgeSyncException">NotFound: no such version.</exception>
    public string Diff(string from, string to, int context = DiffFormat.ContextDefault) => Read(repository =>
    {
        var (left, right) = (Side(from), Side(to));
        var output = new ArrayBufferWriter<byte>();
        foreach (var change in TreeDiff.Between(left, right, pairsRenames: true))
        {
            var (old, now) = (change.From?.Name ?? change.To!.Name, change.To?.Name ?? change.From!.Name);
            output.Write(Encoding.UTF8.GetBytes(string.Create(
                CultureInfo.InvariantCulture,
                $"--- {(change.From is null ? "/dev/null" : old)}\n+++ {(change.To is null ? "/dev/null" : now)}\n")));
            FileDiff.Write(
                change.From is null ? ReadOnlyMemory<byte>.Empty : left.Read(change.From),
                change.To is null ? ReadOnlyMemory<byte>.Empty : right.Read(change.To),
                new DiffFormat { Context = context }, output);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);

        CheckinSide Side(string version) => new(repository, repository.Names.ResolveCheckin(version));
    });

    /// <summary>A setting of the repository; null: it is not set.</summary>
    public string? GetSetting(string name) => Read(repository => repository.Settings[name]);

    /// <summary>Sets a setting, or removes it when the value is null.</summary>
    public void SetSetting(string name, string? value)
    {
        using var repository = Repository.Open(Path, new RepositoryOptions { Clock = _clock });
        if (value is null) repository.Settings.Remove(name);
        else repository.Settings.Set(name, value);
    }

    /// <summary>
    /// Makes a user with these capabilities, or leaves the one that exists as it is. Returns the password of a new one.
    /// </summary>
    /// <param name="login">Name of the user.</param>
    /// <param name="capabilities">Fossil's letters, such as <c>gio</c>: clone, check in, check out.</param>
    /// <param name="password">Null: a random one.</param>
    public string? EnsureUser(string login, string capabilities, string? password = null)
    {
        using var repository = Repository.Open(Path, new RepositoryOptions { Clock = _clock });
        return repository.Users.TryGet(login, out _) ? null : repository.Users.Add(login, capabilities, password);
    }

    /// <summary>Gives a user other capabilities, <c>nobody</c> and <c>anonymous</c> among them.</summary>
    /// <exception cref="EdgeSyncException">NotFound: no such user.</exception>
    public void SetCapabilities(string login, string capabilities)
    {
        using var repository = Repository.Open(Path, new RepositoryOptions { Clock = _clock });
        repository.Users.SetCapabilities(login, capabilities);
    }

    /// <summary>
    /// Check-ins that come into the repository after this call, in the order of their arrival: of this program, of
    /// others, and of peers. Each is given once; private ones are not given. Slow callers lose none: what came
    /// meanwhile is read from the file.
    /// </summary>
    /// <param name="cancellationToken">Ends the sequence.</param>
    public IAsyncEnumerable<CheckinSummary> WatchAsync(CancellationToken cancellationToken)
    {
        var count = new CheckinCount();
        var start = Read(r => Arrivals.Read(r, new RecordId(long.MaxValue), 1, 0, count));
        var after = LowestOpen(start);
        // Between the first phantom and the end there may be check-ins that were here before.
        var given = Read(r => Arrivals.Read(r, after, int.MaxValue, 0, count)).Items
            .Where(i => i.Rid.Value <= start.MaxRid.Value).Select(i => i.Rid).ToHashSet();
        return WatchAsync(after, given, count, cancellationToken);
    }

    private async IAsyncEnumerable<CheckinSummary> WatchAsync(
        RecordId after, HashSet<RecordId> given, CheckinCount count,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var files = new FileChanges(Path, _clock);
        while (true)
        {
            var (fresh, arrivals) = Read(repository =>
            {
                var read = Arrivals.Read(repository, after, int.MaxValue, 0, count);
                var found = read.Items.Where(i => i.IsCheckin && given.Add(i.Rid))
                    .Select(i => Summary(repository, i.Rid)).ToList();
                return (found, read);
            });
            after = LowestOpen(arrivals);
            given.RemoveWhere(rid => rid.Value <= after.Value);
            foreach (var checkin in fresh) yield return checkin;

            await files.WaitAsync(cancellationToken);
        }
    }

    // What fills a phantom keeps the phantom's number, which is below later ones.
    private static RecordId LowestOpen(Arrivals arrivals) => arrivals.FirstPhantom.IsNone
        ? arrivals.MaxRid
        : new RecordId(Math.Min(arrivals.MaxRid.Value, arrivals.FirstPhantom.Value - 1));

    internal static CheckinSummary Summary(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT coalesce(euser,user,''), coalesce(ecomment,comment,''), mtime FROM event WHERE objid=?1 AND type='ci'
            """);
        var isListed = select.Bind(1, checkin).Step();
        return new CheckinSummary(
            repository.Content.NameOf(checkin).ToString(), Branches.Of(repository, checkin) ?? "",
            isListed ? select.Text(0)! : "", isListed ? select.Text(1)! : "",
            isListed ? Instant.FromJulianDay(select.Double(2)).ToDateTime() : default(DateTimeOffset));
    }

    private T Read<T>(Func<Repository, T> read)
    {
        using var repository = Repository.Open(Path, RepositoryOptions.ReadOnly with { Clock = _clock });
        return read(repository);
    }
}
