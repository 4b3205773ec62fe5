using System.Buffers;
using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Names;

namespace EdgeSync.Storage.Git;

/// <summary>
/// Makes check-ins and tags of a stream of <c>git fast-export</c>: the same artifacts, byte for byte, that stock makes
/// of it. One transaction: an import that fails leaves nothing.
/// </summary>
// Spec: git_fast_import, finish_commit and finish_tag in import.c.
// Differs from Fossil: tags without a message of their own (a reset of refs/tags/NAME) are kept, and a commit without a
// parent's mark follows the end of its branch wherever that is, unless a reset took it. In a quoted path \n is a line
// feed, where stock reads an n.
public sealed class GitImporter
{
    // So many are linked together, while the texts that they make deltas of are still cached.
    private const int CheckinsLinked = 200;

    private readonly Repository _repository;
    private readonly GitImportOptions _options;
    private readonly GitMarks _marks = new();
    private readonly Dictionary<string, ArtifactId> _byMark = new(StringComparer.Ordinal);
    private readonly Dictionary<ArtifactId, string> _branchOf = [];
    private readonly Dictionary<ArtifactId, (string User, string Date)> _authorOf = [];
    private readonly Dictionary<string, ArtifactId> _tips = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, (ArtifactId Target, string User, string Date)> _tagCommits =
        new(StringComparer.Ordinal);

    private GitTree? _tree;
    private ArtifactId _treeOf;
    private long _blobs, _checkins, _tagCount, _lastRecordBefore;

    private GitImporter(Repository repository, GitImportOptions options) =>
        (_repository, _options) = (repository, options);

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="EdgeSyncException">It is not of the format, or names what is not there.</exception>
    public static GitImportResult Run(
        Repository repository, Stream source, GitImportOptions options, CancellationToken cancellationToken) =>
        new GitImporter(repository, options).Run(source, cancellationToken);

    private GitImportResult Run(Stream source, CancellationToken cancellationToken)
    {
        using var transaction = _repository.Begin();
        _repository.Content.CompressQuickly();
        _lastRecordBefore = _repository.Database.QueryInt64("SELECT max(rid) FROM blob");
        if (_options.MarksToRead is { } file)
        {
            foreach (var (kind, rid, mark, id) in _marks.Read(_repository, file))
            {
                _byMark[mark] = id;
                if (kind == 'c' && Queries.Branches.Of(_repository, rid) is { } branch) _branchOf[id] = branch;
            }
        }

        using var reader = new FastImportReader(source);
        while (reader.Read() is { } command)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Take(command);
        }

        // Git names a tag with each commit on the way to it; the last one has it.
        foreach (var (tag, (target, user, date)) in _tagCommits)
            AddTag(Affixed(tag, _options.BranchAffix), target, user, date, null);

        // Older versions become deltas; what stays a full text is compressed well.
        _repository.Crosslinker.LinkPending();
        _repository.Content.CompressWell();
        transaction.Commit();
        if (_options.MarksToWrite is { } path) _marks.Write(_repository, path, 'c');
        return new GitImportResult(_blobs, _checkins, _tagCount);
    }

    private void Take(FastImportCommand command)
    {
        switch (command)
        {
            case BlobCommand blob:
                var id = AddContent(blob.Data);
                if (blob.Mark is { } mark) _byMark[mark] = id;
                break;
            case CommitCommand commit:
                AddCommit(commit);
                break;
            case TagCommand { From: { } from, Tagger: { } tagger } tag when Resolve(from) is { } target:
                AddTag(
                    Affixed(FastImportReader.Text(tag.Name), _options.TagAffix), target, UserOf(tagger),
                    DateOf(tagger), tag.Message);
                break;
            case ResetCommand reset:
                Reset(reset);
                break;
            case ProgressCommand progress:
                _options.Progress?.Invoke(progress.Text);
                break;
        }
    }

    private void Reset(ResetCommand reset)
    {
        if (reset.From is null) _tips.Remove(reset.Reference);
        if (reset.From is null || Resolve(reset.From) is not { } target) return;

        _tips[reset.Reference] = target;
        if (reset.Reference.StartsWith("refs/tags/", StringComparison.Ordinal)
            && _authorOf.TryGetValue(target, out var author))
        {
            var name = FastImportReader.Text(reset.Reference["refs/tags/".Length..]);
            AddTag(Affixed(name, _options.TagAffix), target, author.User, author.Date, null);
        }
    }

    // A content that reads as an artifact would become one.
    private ArtifactId AddContent(byte[] data)
    {
        if (ArtifactParser.MayBeArtifact(data) && ArtifactParser.TryParse(data, out _))
            data = [.. data, .. "# Remove this line to create a well-formed Fossil control artifact.\n"u8];
        _blobs++;
        return _repository.Content.NameOf(_repository.Content.Put(data));
    }

    private void AddCommit(CommitCommand commit)
    {
        var isTag = commit.Reference.AsSpan(Math.Min(5, commit.Reference.Length)).StartsWith("tags");
        var branch = BranchNameOf(commit.Reference);
        var parent = commit.From is { } from ? Resolve(from)
            : _tips.TryGetValue(commit.Reference, out var tip) ? tip : null;
        var person = (_options.UsesAuthor ? commit.Author ?? commit.Committer : commit.Committer)
            ?? throw new EdgeSyncException(ErrorKind.Usage, $"a commit of {commit.Reference} names no committer");

        var tree = TreeOf(parent);
        foreach (var change in commit.Changes)
            tree.Apply(change, change.Data is { } data ? AddContent(data) : FileOf(change));

        var (user, date) = (UserOf(person), DateOf(person));
        var text = ManifestOf(commit, branch, isTag, parent, tree, user, date);
        var rid = _repository.Content.Put(text);
        var id = _repository.Content.NameOf(rid);
        _checkins++;
        if (_checkins % CheckinsLinked == 0) _repository.Crosslinker.LinkPending();
        _options.Progress?.Invoke(date[..10]);
        (_treeOf, _tree) = (id, tree);
        _branchOf[id] = branch;
        _authorOf[id] = (user, date);
        _tips[commit.Reference] = id;
        if (isTag && parent is not null) _tagCommits[branch] = (id, user, date);
        if (commit.Mark is not { } mark) return;

        _byMark[mark] = id;
        _marks.Set('c', rid, mark);
    }

    private ArtifactId FileOf(TreeChangeCommand change)
    {
        if (change.Reference is not { } reference || change.IsSubmodule) return default;

        return Resolve(reference) ?? throw new EdgeSyncException(
            ErrorKind.Usage, $"{FastImportReader.Text(change.Path)} has the content {reference}, which did not come",
            "--import-marks FILE of the earlier run");
    }

    private byte[] ManifestOf(
        CommitCommand commit, string branch, bool isTag, ArtifactId? parent, GitTree tree, string user, string date)
    {
        var cards = new ArrayBufferWriter<byte>(4096);
        Card(cards, "C ", Comment(commit.Message));
        cards.Write(Encoding.ASCII.GetBytes($"D {date}\n"));
        tree.Write(cards);
        if (parent is { } first)
        {
            var parents = commit.Merges.Select(Resolve).Where(m => m is not null);
            cards.Write(Encoding.ASCII.GetBytes($"P {string.Join(' ', parents.Prepend(first))}\n"));
        }

        foreach (var tag in TagsOf(branch, isTag, parent)) cards.Write(Encoding.UTF8.GetBytes(tag));
        return Signed(cards, user);
    }

    private SortedSet<string> TagsOf(string branch, bool isTag, ArtifactId? parent)
    {
        var tags = new SortedSet<string>(StringComparer.Ordinal);
        var from = parent is { } p ? _branchOf.GetValueOrDefault(p) : null;
        if (!isTag && from != branch)
        {
            var name = FossilText.Encode(Affixed(branch, _options.BranchAffix));
            tags.Add($"T *branch * {name}\n");
            tags.Add($"T *sym-{name} *\n");
            if (from is not null) tags.Add($"T -sym-{FossilText.Encode(Affixed(from, _options.BranchAffix))} *\n");
        }

        if (parent is null) tags.Add($"T *sym-{FossilText.Encode(_options.TrunkName)} *\n");
        return tags;
    }

    private void AddTag(string name, ArtifactId target, string user, string date, byte[]? message)
    {
        var cards = new ArrayBufferWriter<byte>(256);
        cards.Write(Encoding.UTF8.GetBytes($"D {date}\nT +sym-{FossilText.Encode(name)} {target}"));
        if (message is { Length: > 0 } and not [(byte)'\n'])
        {
            cards.Write(" "u8);
            FossilText.Encode(Comment(message), cards);
        }

        cards.Write("\n"u8);
        _repository.Content.Put(Signed(cards, user));
        _tagCount++;
    }

    private static byte[] Signed(ArrayBufferWriter<byte> cards, string user)
    {
        Card(cards, "U ", Encoding.UTF8.GetBytes(user));
        cards.Write(Encoding.ASCII.GetBytes($"Z {Md5Hasher.Compute(cards.WrittenSpan)}\n"));
        return cards.WrittenSpan.ToArray();
    }

    private static void Card(ArrayBufferWriter<byte> cards, string name, ReadOnlySpan<byte> text)
    {
        cards.Write(Encoding.ASCII.GetBytes(name));
        FossilText.Encode(text, cards);
        cards.Write("\n"u8);
    }

    // Without its last line end; an artifact's comment cannot be empty, nor pass a NUL.
    private static ReadOnlySpan<byte> Comment(byte[] message)
    {
        ReadOnlySpan<byte> text = message;
        if (text is [.., (byte)'\n']) text = text[..^1];
        if (text.IndexOf((byte)0) is var end and >= 0) text = text[..end];
        return text.IsEmpty ? "(no comment)"u8 : text;
    }

    // Spec: refs/heads/NAME, where stock skips the second part whatever it is.
    private string BranchNameOf(string reference)
    {
        var slash = reference.IndexOf('/', Math.Min(5, reference.Length));
        var name = FastImportReader.Text(slash >= 0 && slash + 1 < reference.Length ? reference[(slash + 1)..]
            : reference);
        return name == "master" ? _options.MasterName : name;
    }

    private static string Affixed(string name, (string Before, string Behind) affix) =>
        affix.Before + name + affix.Behind;

    private ArtifactId? Resolve(string reference)
    {
        if (_byMark.TryGetValue(reference, out var id)) return id;
        if (reference.EndsWith("^0", StringComparison.Ordinal)) reference = reference[..^2];
        if (_tips.TryGetValue(reference, out id)) return id;
        if (ArtifactId.TryParse(Encoding.ASCII.GetBytes(reference), out id)
            && !_repository.Content.Find(id).IsNone) return id;
        if (!reference.StartsWith("refs/heads/", StringComparison.Ordinal)) return null;

        // The end of a branch that an earlier run has made; that of this one would be known, unless a reset took it.
        return _repository.Names.TryResolve(BranchNameOf(reference), EventType.Checkin, out var rid) == NameFault.None
            && rid.Value <= _lastRecordBefore ? _repository.Content.NameOf(rid) : null;
    }

    private GitTree TreeOf(ArtifactId? checkin)
    {
        if (checkin is not { } parent) return new GitTree();
        if (_tree is { } tree && _treeOf == parent) return tree;

        return GitTree.Load(_repository, _repository.Content.Find(parent));
    }

    // Spec: a user whose contact is that of git, else the mail address.
    private string UserOf(GitPerson person)
    {
        if (_options.Users.TryGetValue(person.Email, out var named)) return named;

        using var select = _repository.Database.Prepare("SELECT login FROM user WHERE info=?1");
        return select.BindText(1, person.Contact).Step() && select.Text(0) is { } login ? login
            : person.Email.Length > 0 ? person.Email : "unknown";
    }

    private static string DateOf(GitPerson person) => Instant.FromUnixSeconds(person.UnixSeconds).ToDateTime()
        .ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
}
