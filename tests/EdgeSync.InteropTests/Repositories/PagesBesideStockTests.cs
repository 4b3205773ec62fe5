using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Wiki pages, technotes, tickets and attachments, called as <c>fossil</c> and under our own names.</summary>
public sealed class PagesBesideStockTests
{
    [Test]
    public void Pages_and_notes_are_written_and_listed_as_stock_does()
    {
        using var bench = new Workbench("pages");
        var (ours, theirs) = (bench.NewRepository("ours.fossil"), bench["theirs.fossil"]);
        File.Copy(ours, theirs);
        foreach (var (name, text) in (IEnumerable<(string, string)>)[
            ("a.md", "# Home\n\n"), ("b.md", "more\n"), ("empty", "")])
            File.WriteAllText(bench[name], text);

        foreach (var line in (string[])[
            "wiki create Home a.md -M markdown", "wiki create Home a.md", "wiki commit Home b.md",
            "wiki commit Nosuch a.md", "wiki create Gone empty", "wiki create branch/x a.md", "wiki list -a",
            "wiki ls --all", "wiki export Home sub/out.txt", "wiki export Nosuch", "wiki create Sandbox a.md",
            "wiki create note-one a.md -t 2024-02-03 --technote-tags one,two --technote-bgcolor #ff0000",
            "wiki commit note-2 b.md -t 2024-02-03 -M plain", "wiki list -t", "wiki export --technote one",
            "attachment add Home b.md", "attachment add b.md -t 2024-02-03", "attachment add Nosuch b.md"])
        {
            string[] words = line.Split(' ');
            var (a, b) = (
                bench.Stock.TryIn(bench.Folder.Path, [.. words, "-R", theirs]),
                bench.Ours.TryAsFossil(bench.Folder.Path, [.. words, "-R", ours]));
            Assert.Equal((line, a.Output, a.ExitCode), (line, b.Output, b.ExitCode));
            if (a.ExitCode != 0) Assert.Equal(a.Errors.Trim(), b.Errors.Trim());
        }

        Assert.Equal("more\n", File.ReadAllText(Path.Combine(bench.Folder.Path, "sub", "out.txt")));
        bench.MustBeSound(ours);
        const string Shape =
            "SELECT type, user, bgcolor, count(*) FROM event WHERE type IN('w','e') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
        Assert.Equal(
            bench.Stock.Run("sql", "-R", theirs, Shape).Output, bench.Stock.Run("sql", "-R", ours, Shape).Output);
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void Tickets_are_added_changed_and_reported_as_stock_does()
    {
        using var bench = new Workbench("pages");
        var (ours, theirs) = (bench.NewRepository("ours.fossil"), bench["theirs.fossil"]);
        File.Copy(ours, theirs);
        var (a, b) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        foreach (var words in (string[][])[
            ["ticket", "list", "fields"], ["ticket", "ls", "reports"],
            ["ticket", "add", "title", "It does not start", "status", "Open", "type", "Code_Defect"],
            ["ticket", "set", "ID", "status", "Fixed", "comment", "first\\sword\\nsecond", "--quote"],
            ["ticket", "change", "ID", "+comment", " and a sentence that is so long that it needs a line of its own"],
            ["ticket", "set", "ID"], ["ticket", "set", "ID", "nosuch", "x"], ["ticket", "set", "0000", "title", "x"],
            ["ticket", "show", "0", "-l", ";", "-q"], ["ticket", "show", "1", "status='Fixed'"],
            ["ticket", "show", "nosuch"], ["ticket", "history", "ID"]])
        {
            var (x, y) = (
                bench.Stock.Try([.. words.Select(w => w == "ID" ? a["ID"] : w), "-R", theirs]),
                bench.Ours.TryAsFossil(
                    bench.Folder.Path, [.. words.Select(w => w == "ID" ? b["ID"] : w), "-R", ours]));
            if (words[1] == "add") (a["ID"], b["ID"]) = (x.Output.Trim()[^40..], y.Output.Trim()[^40..]);
            var line = string.Join(' ', words);
            var (expected, found) = (Masked(x.Output, a), Masked(y.Output, b));

            // The order of changes follows the second in which each program made them.
            if (words[1] == "history") (expected, found) = (Sorted(expected), Sorted(found));
            Assert.Equal((line, expected, x.ExitCode == 0), (line, found, y.ExitCode == 0));
            if (x.ExitCode != 0) Assert.Equal(x.Errors.Trim(), y.Errors.Trim());
        }

        bench.MustBeSound(ours);
    }

    [Test]
    public void Under_our_own_names_pages_tickets_and_files_arrive_in_stock()
    {
        using var bench = new Workbench("pages");
        var repository = bench.NewRepository("a.fossil");
        File.WriteAllText(bench["a.md"], "text\n");

        Ours("technote", "create", "Release 1.0", "a.md", "--date", "2024-05-06T07:08:09Z", "--tag", "release");
        var note = Ours("technote", "ls").Split("  ")[1];
        Ours("technote", "commit", note, "a.md", "-m", "Release 1.0.1");
        var id = Ours("ticket", "add", "title=One", "status=Open").Trim().Split(' ')[^1];
        Ours("ticket", "set", id[..8], "status=Closed", "+comment=done");
        Ours("wiki", "create", "Home", "a.md");
        Ours("attachment", "add", "Home", "a.md", "-m", "a file");
        Ours("attachment", "add", id[..10], "a.md");
        Ours("attachment", "rm", "Home", "a.md");

        Assert.Equal("text\n", bench.Stock.Run("wiki", "export", "-t", note, "-R", repository).Output);
        Assert.Equal("2024-05-06 07:08:09\n", bench.Stock.Run("wiki", "ls", "-t", "-R", repository).Output);
        Assert.Contains("Change status: Closed", bench.Stock.Run("ticket", "history", id, "-R", repository).Output,
            StringComparison.Ordinal);
        Assert.Equal("text\n", Ours("attachment", "get", id, "a.md"));
        Assert.Equal("", Ours("attachment", "ls", "Home"));
        Assert.Contains("attached a.md", Ours("ticket", "history", id), StringComparison.Ordinal);
        Assert.Equal(2, Ours("ticket", "report", "1", "--where", "status='Closed'").Split('\n').Length - 1);
        bench.MustBeSound(repository);

        string Ours(params string[] words) => bench.Ours.Run(["repo", .. words, "-R", repository]).Output;
    }

    // The ids and times of two runs differ.
    private static string Sorted(string history) =>
        string.Join("Ticket Change", history.Split("Ticket Change").Order(StringComparer.Ordinal));

    private static string Masked(string text, Dictionary<string, string> ids)
    {
        var lines = ids.GetValueOrDefault("ID") is { } id
            ? text.Replace(id, "ID", StringComparison.Ordinal).Replace(id[..10], "ID", StringComparison.Ordinal)
            : text;
        lines = System.Text.RegularExpressions.Regex.Replace(lines, @"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE");
        return System.Text.RegularExpressions.Regex.Replace(lines, @"\b24\d{5}\.\d+", "DAY");
    }
}
