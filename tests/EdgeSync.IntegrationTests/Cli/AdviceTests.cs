using System.Text.RegularExpressions;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>Command lines in messages and documents are parsed by the program's own parser.</summary>
public sealed partial class AdviceTests
{
    private static readonly string Commands = string.Join('|', EdgeSync.Cli.Commands.CommandLine.Names
        .Select(n => n.Name));

    [Test]
    public void Every_command_in_a_text_of_the_source_is_one()
    {
        var faults = new List<string>();
        var found = 0;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Vectors.RepositoryRoot, "src"), "*.cs",
            SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal)))
        {
            // A literal that goes on in the next line is one text.
            var source = Regex.Replace(File.ReadAllText(file), @"""\r?\n\s*\+ \$?""", "");
            foreach (var line in source.Split('\n')
                .Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal)))
            {
                foreach (Match literal in Literals().Matches(line))
                {
                    var text = Regex
                        .Replace(literal.Groups[1].Value
                        .Replace("\\\"", "\"", StringComparison.Ordinal), @"\{[^}]*\}", "X").Split('{')[0];
                    foreach (Match advice in Regex.Matches(text, $"'?edgesync (?:{Commands})\\b[^;]*"))
                    {
                        found++;
                        if (Advice.FaultOf(advice.Value,
                            null) is { } fault) faults.Add($"{Path.GetFileName(file)}: {fault}");
                    }
                }
            }
        }

        Assert.True(found > 30, $"only {found} commands found");
        Assert.Empty(faults);
    }

    [Test]
    [Arguments("README.md")]
    [Arguments("docs/cli.md")]
    [Arguments("docs/configuration.md")]
    [Arguments("docs/operations.md")]
    [Arguments("docs/status.md")]
    public void Every_command_line_of_a_document_is_one(string name)
    {
        var faults = new List<string>();
        var isCode = false;
        // lines that go on
        var text = File.ReadAllText(Path.Combine(Vectors.RepositoryRoot, name))
            .Replace("\\\n", "", StringComparison.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) isCode = !isCode;
            if (!isCode || CommandLines().Match(line) is not { Success: true } match) continue;
            foreach (var command in match.Groups[1].Value.Split(" && ")
                .Where(c => c.StartsWith("edgesync ", StringComparison.Ordinal)))
            {
                if (Advice.FaultOf(command, null) is { } fault) faults.Add(fault);
            }
        }

        Assert.Empty(faults);
    }

    [Test]
    public void A_hint_of_a_command_that_does_not_exist_is_found()
    {
        Assert.NotNull(Advice.FaultOf("edgesync repo shun --remove HASH", null));
        Assert.NotNull(Advice.FaultOf("edgesync nosuch", null));
        Assert.NotNull(Advice.FaultOf("say --no-such-flag", null));
        Assert.Null(Advice.FaultOf("edgesync repo unshun HASH; or --force", null));
    }

    [GeneratedRegex("\"((?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Literals();

    [GeneratedRegex(@"^\s*(?:\w+\$\s+)?(edgesync .*)$")]
    private static partial Regex CommandLines();
}
