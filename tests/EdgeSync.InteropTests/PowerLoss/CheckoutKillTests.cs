using System.Text;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.PowerLoss;

/// <summary>
/// A command on a checkout may be killed after any of its calls. What the disk then holds is the state before the
/// command, or after it, or one that the program reports and <c>undo</c> takes back to the state before: no edit and
/// no open conflict is lost. The calls of one run are recorded, and every state between them is opened.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class CheckoutKillTests : IDisposable
{
    private const string Renames = "rename,renameat,renameat2";

    private readonly TemporaryFolder _scratch = new("killed");
    private readonly EdgeSyncProgram _edgesync;
    private readonly string _folder;

    public CheckoutKillTests()
    {
        FileTrace.SkipWhenMissing();
        _edgesync = new EdgeSyncProgram(_scratch);
        _folder = _scratch.Folder("disk");
        Run("repo", "new", "r.fossil");
        Run("open", "r.fossil");
        Write(
            ("a.txt", "one\ntwo\nthree\n"), ("b.txt", "b\n"), ("gone.txt", "g\n"), ("old.txt", "old\n"),
            ("same.txt", "s\n"));
        Run("add", ".");
        Run("commit", "-m", "first");
    }

    public void Dispose()
    {
        _edgesync.Dispose();
        _scratch.Dispose();
    }

    [Test]
    public void An_update()
    {
        Write(("a.txt", "one\ntwo\nTHREE\n"), ("b.txt", "second\n"), ("new.txt", "new\n"));
        Run("rm", "--hard", "gone.txt");
        Run("add", "new.txt");
        Run("commit", "-m", "second");
        Run("update", "root:trunk");
        Write(("a.txt", "zero\none\ntwo\nthree\n"), ("own.txt", "own\n"));
        Run("add", "own.txt");

        MustSurvive("update");
    }

    /// <summary>One that takes, merges, marks, renames, removes and replaces; then its conflict is decided.</summary>
    [Test]
    public void A_merge_and_the_decision_of_its_conflict()
    {
        Write(
            ("a.txt", "one\ntwo\nTHREE\n"), ("b.txt", "theirs\n"), ("new.txt", "new\n"), ("same.txt", "theirs\n"));
        Run("rm", "--hard", "gone.txt");
        Run("mv", "--hard", "old.txt", "moved.txt");
        Run("add", "new.txt");
        Run("commit", "-m", "side", "--branch", "side");
        Run("update", "trunk");
        Write(
            ("a.txt", "zero\none\ntwo\nthree\n"), ("b.txt", "ours\n"), ("gone.txt", "edited\n"),
            ("new.txt", "untracked\n"));
        MustSurvive("merge", "side");

        MustSurvive("conflicts", "pick", "--local", "b.txt");
    }

    [Test]
    public void A_commit()
    {
        Write(("a.txt", "1\n"), ("own.txt", "own\n"));
        Run("add", "own.txt");
        Run("rm", "--hard", "gone.txt");

        MustSurvive("commit", "-m", "second");
    }

    [Test]
    public void A_revert_and_its_undo()
    {
        Write(("a.txt", "1\n"), ("own.txt", "own\n"));
        Run("add", "own.txt");
        Run("rm", "--hard", "gone.txt");
        MustSurvive("revert");

        MustSurvive("undo");
    }

    [Test]
    public void A_stash_that_is_saved_and_popped()
    {
        Write(("a.txt", "1\n"), ("b.txt", "stashed\n"), ("own.txt", "own\n"));
        Run("add", "own.txt");
        MustSurvive("stash", "save", "-m", "aside");

        File.Delete(Path.Combine(_folder, "own.txt"));
        Write(("b.txt", "edited\n"));
        MustSurvive("stash", "pop");
    }

    /// <summary>The same with real signals, at a few calls: the recorded states are no fiction.</summary>
    [Test]
    [Arguments(Renames, 1)]
    [Arguments("pwrite64", 7)]
    public void A_signal_in_the_middle_of_an_update(string calls, int count)
    {
        var before = BeforeUpdate();

        var killed = Inject(calls, $"signal=KILL:when={count}", "update");

        Assert.Equal(137, killed.ExitCode);
        Repair(_folder);
        Assert.Equal(before, TreeOf(_folder));
    }

    /// <summary>A call that fails is said, and what was begun can be taken back.</summary>
    [Test]
    [Arguments("pwrite64", "ENOSPC", 1)]
    [Arguments("pwrite64", "ENOSPC", 9)]
    [Arguments(Renames, "EIO", 1)]
    [Arguments(Renames, "EIO", 2)]
    [Arguments("fdatasync,fsync", "EIO", 1)]
    public void A_call_that_fails_in_an_update(string calls, string error, int count)
    {
        var before = BeforeUpdate();

        var refused = Inject(calls, $"error={error}:when={count}", "update").MustFail();

        Assert.StartsWith("edgesync: ", refused.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("this is a bug", refused.Errors, StringComparison.Ordinal);
        Repair(_folder);
        Assert.Equal(before, TreeOf(_folder));
    }

    /// <summary>Some calls of each kind fail, one a run: it is said, and the state is as before, or as after.</summary>
    [Test]
    [Arguments("commit")]
    [Arguments("merge")]
    [Arguments("stash")]
    [Arguments("undo")]
    public void Calls_that_fail(string verb)
    {
        var command = Prepare(verb);
        var before = TreeOf(_folder);
        var files = Directory.GetFiles(_folder).ToDictionary(f => Path.GetFileName(f)!, File.ReadAllBytes);
        Run(command);
        var after = TreeOf(_folder);
        var refused = 0;
        foreach (var (calls, error) in ((string, string)[])[
            ("pwrite64", "ENOSPC"), (Renames, "EIO"), ("fdatasync,fsync", "EIO")])
        {
            for (var count = 1; count <= 13; count += 4)
            {
                Restore(files);
                var run = Inject(calls, $"error={error}:when={count}", command);
                if (run.ExitCode == 0)
                {
                    // Fewer such calls than that. A check-in made at another time has another name.
                    Assert.Equal(WithoutVersion(after), WithoutVersion(TreeOf(_folder)));
                    break;
                }

                refused++;
                Assert.StartsWith("edgesync: ", run.Errors, StringComparison.Ordinal);
                Assert.DoesNotContain("this is a bug", run.Errors, StringComparison.Ordinal);
                Repair(_folder);
                var found = TreeOf(_folder);
                Assert.True(
                    found == before || WithoutVersion(found) == WithoutVersion(after)
                        || WithoutStash(found) == before,
                    $"{calls} {count} failed:\n{found}\nbefore:\n{before}\nafter:\n{after}");
            }
        }

        Assert.True(refused > 2, $"{refused} calls failed");
    }

    private string[] Prepare(string verb)
    {
        switch (verb)
        {
            case "merge":
                Write(("a.txt", "one\ntwo\nTHREE\n"), ("b.txt", "theirs\n"), ("new.txt", "new\n"));
                Run("add", "new.txt");
                Run("commit", "-m", "side", "--branch", "side");
                Run("update", "trunk");
                Write(("a.txt", "zero\none\ntwo\nthree\n"));
                return ["merge", "side"];
            case "undo":
                // Of another size: an edit within the second of the commit is not seen otherwise.
                Write(("a.txt", "1\n"), ("b.txt", "edited\n"));
                Run("rm", "--hard", "gone.txt");
                Run("revert");
                return ["undo"];
            default:
                Write(("a.txt", "1\n"), ("own.txt", "own\n"));
                Run("add", "own.txt");
                Run("rm", "--hard", "gone.txt");
                return verb == "commit" ? ["commit", "-m", "second"] : ["stash", "save", "-m", "aside"];
        }
    }

    private string BeforeUpdate()
    {
        Write(("a.txt", "second\n"), ("b.txt", "second\n"));
        Run("rm", "--hard", "gone.txt");
        Run("commit", "-m", "second");
        Run("update", "root:trunk");
        Write(("a.txt", "edited\n"));
        return TreeOf(_folder);
    }

    private void MustSurvive(params string[] command)
    {
        var before = TreeOf(_folder);
        var trace = FileTrace.RecordIn(_edgesync, _scratch, _folder, command);
        var after = TreeOf(_folder);
        Assert.NotEqual(before, after);
        var seen = new HashSet<string>();
        var repaired = 0;
        foreach (var step in trace.Steps)
        {
            var files = step.State.AfterKill();
            if (!seen.Add(FolderState.FingerprintOf(files))) continue;

            Restore(files);
            if (Repair(_folder)) repaired++;
            var found = TreeOf(_folder);
            // A stash beside the edits that it holds is a copy too many, and no loss.
            Assert.True(
                found == before || found == after || WithoutStash(found) == before,
                $"killed behind {step.What}:\n{found}\nbefore:\n{before}\nafter:\n{after}");
        }

        Restore(trace.Steps[^1].State.AfterKill());
        Assert.True(seen.Count > 10, "too few states to prove anything");
        Assert.Equal(command[0] != "commit", repaired > 0);
    }

    // In the same place: a journal names the one that it belongs to by its whole path.
    private void Restore(Dictionary<string, byte[]> files)
    {
        foreach (var path in Directory.GetFiles(_folder)) File.Delete(path);
        foreach (var (name, content) in files) File.WriteAllBytes(Path.Combine(_folder, name), content);
    }

    private static string WithoutVersion(string tree) => tree[tree.IndexOf('\n', StringComparison.Ordinal)..];

    private static string WithoutStash(string tree) =>
        string.Join('\n', tree.Split('\n').Where(l => !l.StartsWith("stash ", StringComparison.Ordinal)));

    /// <summary>What the next command would ask for. True: a command was interrupted, or an undo not ended.</summary>
    private static bool Repair(string folder)
    {
        using var checkout = Open(folder);
        if (checkout.Undo.Interrupted is null) return false;

        checkout.Undo.Apply(checkout.Repository, isRedo: checkout.Undo.IsRedoInterrupted);
        return true;
    }

    /// <summary>Files, what is tracked, merged and undecided, what was put aside, and where the checkout is.</summary>
    private static string TreeOf(string folder)
    {
        var text = new StringBuilder();
        using (var checkout = Open(folder))
        {
            var (version, content) = (checkout.Version, checkout.Repository.Content);
            text.Append(version.IsNone ? "empty" : content.NameOf(version).ToString()).Append('\n');
            foreach (var file in checkout.Refresh())
                text.Append($"tracked {file.Name} {file.IsDeleted} {file.IsAdded} {file.Change}\n");
            foreach (var merge in checkout.Tables.Merges()) text.Append($"merged {merge.Kind} {merge.Hash}\n");
            foreach (var conflict in CheckoutConflicts.List(checkout)) text.Append($"{conflict}\n");
            foreach (var entry in CheckoutStash.Entries(checkout))
                foreach (var file in CheckoutStash.Files(checkout, entry))
                    text.Append($"stash {entry.Id} {file.Name} ")
                        .Append(Convert.ToHexString(CheckoutStash.TextOf(checkout, file))).Append('\n');
        }

        foreach (var path in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
            if (Path.GetFileName(path) is var name && name.EndsWith(".txt", StringComparison.Ordinal))
                text.Append($"{name}: {File.ReadAllText(path)}\n");
        return text.ToString();
    }

    private static WorkingCheckout Open(string folder) => WorkingCheckout.Open(
        CheckoutFinder.Find(folder)!,
        path => Repository.Open(path, RepositoryOptions.Default with { Journal = DatabaseJournal.AsFound }));

    // Calls on the folder's names and on both databases.
    private ProgramResult Inject(string calls, string what, params string[] command)
    {
        var start = _edgesync.Start(command);
        return (start with
        {
            Program = FileTrace.Program!,
            Folder = _folder,
            Arguments = [
                "-f", "-qq", "-P", _folder, .. Databases(), "-e", $"trace={calls}",
                "-e", $"inject={calls}:{what}", "-o", "/dev/null", start.Program, .. command],
        }).Run();
    }

    private IEnumerable<string> Databases() =>
        from name in (string[])[".fslckout", "r.fossil"]
        from part in (string[])["", "-journal", "-wal"]
        from word in (string[])["-P", Path.Combine(_folder, name + part)]
        select word;

    private void Run(params string[] command) => _edgesync.RunIn(_folder, command);

    private void Write(params (string Name, string Text)[] files)
    {
        foreach (var (name, text) in files) File.WriteAllText(Path.Combine(_folder, name), text);
    }
}
