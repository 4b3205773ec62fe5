using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.PowerLoss;

/// <summary>
/// S3: the power may fail after any call of a command. Whatever the disk then holds of what was not flushed, the
/// repository is whole, and what the command reported as done is there.
/// </summary>
public sealed class PowerLossTests : IDisposable
{
    private readonly TemporaryFolder _scratch = new("power");
    private readonly EdgeSyncProgram _edgesync;
    private readonly string _folder;
    private readonly string _repository;

    public PowerLossTests()
    {
        FileTrace.SkipWhenMissing();
        _edgesync = new EdgeSyncProgram(_scratch);
        _folder = _scratch.Folder("disk");
        _repository = Path.Combine(_folder, "p.fossil");
        _edgesync.Run("repo", "new", _repository);
        _scratch.Write("a.txt", "one\n");
        _edgesync.Run("repo", "ci", "-R", _repository, "-m", "first", "-C", _scratch.Path, "a.txt");
    }

    public void Dispose()
    {
        _edgesync.Dispose();
        _scratch.Dispose();
    }

    [Test]
    public void A_new_repository()
    {
        var trace = Record("repo", "new", Path.Combine(_folder, "new.fossil"));

        Replay(
            trace,
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "new.fossil"), "SELECT count(*) FROM event", 0, 1, isAnswered));
    }

    [Test]
    public void A_check_in()
    {
        _scratch.Write("a.txt", "two\n");
        _scratch.Write("b.bin", new Prng(3).NextBytes(200_000));
        var trace = Record("repo", "ci", "-R", _repository, "-m", "second", "-C", _scratch.Path, "a.txt", "b.bin");

        Replay(
            trace,
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "p.fossil"), "SELECT count(*) FROM event", 2, 3, isAnswered));
    }

    [Test]
    public void A_check_in_whose_contents_do_not_fit_into_memory()
    {
        _scratch.Write("big.bin", new byte[9 << 20]);
        var trace = Record("repo", "ci", "-R", _repository, "-m", "second", "-C", _scratch.Path, "big.bin");

        Replay(
            trace,
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "p.fossil"), "SELECT count(*) FROM event", 2, 3, isAnswered), every: 20);
    }

    [Test]
    public void An_unversioned_file()
    {
        _edgesync.Run("repo", "uv", "put", "-R", _repository, "other", _scratch["a.txt"]);
        var trace = Record("repo", "uv", "put", "-R", _repository, "manual", _scratch["a.txt"]);

        Replay(
            trace,
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "p.fossil"), "SELECT count(*) FROM unversioned", 1, 2, isAnswered));
    }

    [Test]
    public void A_setting_a_tag_and_a_page()
    {
        Replay(
            Record("repo", "config", "set", "-R", _repository, "project-name", "Ours"),
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "p.fossil"), "SELECT count(*) FROM config WHERE value='Ours'", 0, 1, isAnswered));
        Replay(
            Record("repo", "tag", "add", "-R", _repository, "v1", "tip"),
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "p.fossil"), "SELECT count(*) FROM tag WHERE tagname='sym-v1'", 0, 1, isAnswered));
        Replay(
            Record("repo", "wiki", "create", "-R", _repository, "Page", _scratch["a.txt"]),
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "p.fossil"), "SELECT count(*) FROM tag WHERE tagname='wiki-Page'", 0, 1,
                isAnswered));
    }

    [Test]
    public void A_backup()
    {
        var trace = Record("repo", "backup", "-R", _repository, Path.Combine(_folder, "copy.fossil"));

        Replay(trace, (disk, isAnswered) => MustBeWholeOrAbsent(Path.Combine(disk, "copy.fossil"), isAnswered));
    }

    [Test]
    public void A_rebuild()
    {
        var trace = Record("repo", "rebuild", "-R", _repository);

        Replay(
            trace,
            (disk, isAnswered) => MustHold(
                Path.Combine(disk, "p.fossil"), "SELECT count(*) FROM event", 2, 2, isAnswered));
    }

    [Test]
    public void A_clone()
    {
        using var server = _edgesync.Serve(_repository, "--no-nats");
        var folder = _scratch.Folder("clones");
        var copy = Path.Combine(folder, "c.fossil");
        var trace = FileTrace.Record(_edgesync, _scratch, folder, "repo", "clone", server.Url, copy);

        Replay(trace, (disk, isAnswered) =>
        {
            MustBeWholeOrAbsent(Path.Combine(disk, "c.fossil"), isAnswered);
            if (File.Exists(Path.Combine(disk, "c.fossil.part"))) MustBeSound(Path.Combine(disk, "c.fossil.part"));
        });
    }

    private FileTrace Record(params string[] arguments) => FileTrace.Record(_edgesync, _scratch, _folder, arguments);

    /// <summary>Looks at each different state of the disk once.</summary>
    private void Replay(FileTrace trace, Action<string, bool> check, int every = 1)
    {
        var seen = new HashSet<string>();
        var isAnswered = false;
        for (var i = 0; i < trace.Steps.Count; i++)
        {
            var step = trace.Steps[i];
            isAnswered |= step.IsAnswer;
            if (i % every != 0 && !step.IsAnswer && i < trace.Steps.Count - 1) continue;

            foreach (var files in step.State.AfterPowerLoss(new Prng((ulong)i)))
            {
                if (!seen.Add($"{isAnswered} {FolderState.FingerprintOf(files)}")) continue;

                var disk = _scratch.Folder($"after-{seen.Count}-{Guid.NewGuid():N}");
                foreach (var (name, content) in files) File.WriteAllBytes(Path.Combine(disk, name), content);
                try
                {
                    check(disk, isAnswered);
                }
                catch (Exception e)
                {
                    throw new Xunit.Sdk.XunitException(
                        $"power lost after step {i} ({step.What}) of {trace.Steps.Count}, "
                            + $"{(isAnswered ? "answered" : "not answered yet")}, "
                        + $"with {string.Join(", ", files.Select(f => $"{f.Key} ({f.Value.Length})"))} on the disk: "
                            + $"{e.Message}");
                }

                Directory.Delete(disk, recursive: true);
            }
        }

        Assert.True(seen.Count > 4, "too few states to prove anything");
    }

    // As it was, or as it is to be; after the answer only that.
    private static void MustHold(string path, string sql, long before, long after, bool isAnswered)
    {
        if (!isAnswered && before == 0 && (!File.Exists(path) || new FileInfo(path).Length == 0)) return;

        MustBeSound(path);
        using var file = new SqliteFile(path, writable: true);
        if (!isAnswered && file.Count("SELECT count(*) FROM sqlite_schema") == 0) return;

        var count = file.Count(sql);
        Assert.True(count == after || (!isAnswered && count == before), $"{sql} gives {count}, not {after}");
    }

    private void MustBeWholeOrAbsent(string path, bool isAnswered)
    {
        if (!File.Exists(path) && !isAnswered) return;

        Assert.True(File.Exists(path), $"{Path.GetFileName(path)} is not there");
        MustBeSound(path);
        using var file = new SqliteFile(path, writable: true);
        using var source = new SqliteFile(_repository);
        Assert.Equal(source.Count("SELECT count(*) FROM blob"), file.Count("SELECT count(*) FROM blob"));
        Assert.Equal(source.Count("SELECT count(*) FROM event"), file.Count("SELECT count(*) FROM event"));
    }

    private static void MustBeSound(string path)
    {
        using var file = new SqliteFile(path, writable: true);
        Assert.Equal("ok", file.Scalar("PRAGMA integrity_check"));
    }
}
