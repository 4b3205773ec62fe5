using System.Text.RegularExpressions;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>What is in the help works; the tree is walked by reading the pages.</summary>
public sealed class HelpTests
{
    // Read once: a page is a start of the program.
    private static readonly Lazy<List<(string[] Path, string Text, bool IsLeaf)>> Pages = new(() =>
    {
        using var edgesync = new EdgeSyncProgram();
        return [.. Walk(edgesync, [])];
    });

    [Test]
    public void Every_command_has_a_page_with_examples_and_exit_codes()
    {
        var pages = Pages.Value;

        Assert.True(pages.Count > 50, $"only {pages.Count} commands");
        Assert.All(pages, page =>
        {
            Assert.Contains("Usage:", page.Text, StringComparison.Ordinal);
            Assert.Contains("Exit codes:", page.Text, StringComparison.Ordinal);
            Assert.Contains("--json", page.Text, StringComparison.Ordinal);
            Assert.Contains("--repo", page.Text, StringComparison.Ordinal);
            if (page.IsLeaf) Assert.Contains("\nExamples:\n", page.Text, StringComparison.Ordinal);
        });
    }

    [Test]
    public void Every_example_begins_with_its_own_command()
    {
        foreach (var page in Pages.Value.Where(p => p.IsLeaf))
        {
            var examples = page.Text.Split("\nExamples:\n")[1].Split("\n\n")[0].Split('\n');
            // A command on checkouts stands at the top and under 'repo', with one page.
            var alone = page.Path.Skip(page.Path[0] == "repo" ? 1 : 0);
            string[] names = [string.Join(' ', page.Path), string.Join(' ', alone)];
            Assert.All(
                examples,
                e => Assert.Contains(names, n => e.StartsWith($"  edgesync {n}", StringComparison.Ordinal)));
        }
    }

    [Test]
    public void The_document_of_the_contract_names_every_command()
    {
        var document = File.ReadAllText(Path.Combine(EdgeSync.Tests.Support.Vectors.RepositoryRoot, "docs", "cli.md"));

        foreach (var page in Pages.Value.Where(p => p.IsLeaf))
            Assert.True(
                IsNamed(page.Path) || (page.Path[0] == "repo" && IsNamed(page.Path[1..])), string.Join(' ', page.Path));

        bool IsNamed(string[] path) => document.Contains($"`{string.Join(' ', path)}`", StringComparison.Ordinal);
    }

    [Test]
    [Arguments("bash")]
    [Arguments("zsh")]
    [Arguments("fish")]
    public void Completion_scripts_call_the_program(string shell)
    {
        using var edgesync = new EdgeSyncProgram();

        Assert.Contains("[suggest:", edgesync.Ok("completion", shell), StringComparison.Ordinal);
        Assert.Equal(shell, edgesync.Json("completion", shell).GetProperty("shell").GetString());
    }

    [Test]
    public void Completion_offers_commands_and_options()
    {
        using var edgesync = new EdgeSyncProgram();

        Assert.Contains("clone\n", edgesync.Ok("[suggest:14]", "edgesync repo "), StringComparison.Ordinal);
        Assert.Contains("--serve-http\n", edgesync.Ok("[suggest:16]", "edgesync leaf --"), StringComparison.Ordinal);
    }

    [Test]
    public void The_bash_script_completes()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Write("complete.bash", edgesync.Ok("completion", "bash"));

        var bash = edgesync.StartAs("bash", "-c", $"""
            source complete.bash
            COMP_WORDS=('{EdgeSyncProgram.Program}' repo tim); COMP_CWORD=2; COMP_LINE='edgesync repo tim'; COMP_POINT=17
            _edgesync; echo "$COMPREPLY"
            """).Run();

        Assert.Equal("timeline\n", bash.Output);
    }

    // In a shell on a terminal of its own, where a tab is a key. From fpath the script is its own first call.
    [Test]
    [Arguments("fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D")]
    [Arguments("autoload -U compinit; compinit -u -D; source functions/_edgesync")]
    public void The_zsh_script_completes(string setUp)
    {
        Skip.Unless(File.Exists("/usr/bin/zsh") || File.Exists("/bin/zsh"), "zsh is not installed");
        using var edgesync = new EdgeSyncProgram();
        Directory.CreateDirectory(edgesync["functions"]);
        Directory.CreateDirectory(edgesync["bin"]);
        File.CreateSymbolicLink(edgesync["bin/edgesync"], EdgeSyncProgram.Program);
        edgesync.Write("functions/_edgesync", edgesync.Ok("completion", "zsh"));

        edgesync.Write("set-up.zsh", $"PS1= RPS1=\nPATH=$PWD/bin:$PATH\n{setUp}\nprint ready\n");

        var zsh = edgesync.StartAs("timeout", "60", "zsh", "-f", "-c", """
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell 'source set-up.zsh'
            zpty -r shell said '*ready*'
            zpty -w -n shell $'edgesync repo timel\t'
            zpty -r shell said '*repo timeline*'
            print completed
            zpty -d shell
            """).Run();

        Assert.Equal("completed\n", zsh.Output);
    }

    private static IEnumerable<(string[] Path, string Text, bool IsLeaf)> Walk(EdgeSyncProgram edgesync, string[] path)
    {
        var text = edgesync.Ok([.. path, "--help"]);
        var section = text.Split("\nCommands:\n");
        var children = section.Length < 2
            ? []
            : Regex.Matches(section[1].Split("\n\n")[0], @"^  ([\w-]+)", RegexOptions.Multiline)
                .Select(m => m.Groups[1].Value).ToList();
        if (path.Length > 0) yield return (path, text, children.Count == 0);
        foreach (var page in children.SelectMany(child => Walk(edgesync, [.. path, child]))) yield return page;
    }
}
