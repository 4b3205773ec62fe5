using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Printing;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>One meaning has one name in every command; older names work and are not shown.</summary>
public sealed class OptionNamesTests
{
    private static readonly (string Name, string[] Older)[] Meanings =
    [
        ("--password", ["--pass"]), ("--password-file", ["--pass-file"]), ("--project", ["--project-code"]),
            ("--serve-http", ["--addr"]),
        ("--clone-from", ["--seed-from-upstream"]), ("--nats", ["--leaf-upstream", "--nats-url"]),
    ];

    [Test]
    public void No_command_calls_it_otherwise()
    {
        var found = 0;
        foreach (var (path, command) in InProcessCli.Leaves(InProcessCli.Tree()))
        {
            // An address in a ticket is no address to serve at: diagnostics have the names of iroh's own tools.
            if (path[0] == "iroh") continue;

            foreach (var option in CommandLineFaults.OptionsOf(command))
            {
                var meaning = Meanings.FirstOrDefault(
                    m => option.Aliases.Prepend(option.Name).Any(n => n == m.Name || m.Older.Contains(n)));
                if (meaning.Name is null) continue;

                found++;
                Assert.True(
                    option.Name == meaning.Name,
                    $"{string.Join(' ', path)}: {option.Name} is called {meaning.Name} elsewhere");
            }
        }

        Assert.True(found > 30, $"{found} options found");
    }

    [Test]
    [Arguments("repo pull --pass x --user y")]
    [Arguments("repo clone http://h/ a.fossil --pass-file x")]
    [Arguments("repo new a.fossil --project-code 0123456789012345678901234567890123456789")]
    [Arguments("repo serve --addr :8080")]
    [Arguments("repo serve -P :8080")]
    [Arguments("leaf --seed-from-upstream nats --project-code x --addr :0 --pass-file x --nats-url nats://h")]
    [Arguments("hub serve --leaf-upstream nats-leaf://h --project-code x --seed-from-upstream http://h/")]
    [Arguments("bridge serve --project-code x --addr :0 --nats-url nats://h")]
    public void Older_names_work(string line) => Assert.Empty(CommandLine.Parse(line.Split(' '), Nowhere()).Errors);

    [Test]
    [Arguments("leaf")]
    [Arguments("hub serve")]
    [Arguments("repo pull")]
    [Arguments("repo new")]
    public void Older_names_are_neither_shown_nor_offered(string name)
    {
        string[] path = name.Split(' ');
        var page = InProcessCli.Run([.. path, "--help"]).Output;
        var line = $"edgesync {name} --";
        var offered = Completion.Offer([$"[suggest:{line.Length}]", line], InProcessCli.Tree()).ToList();

        foreach (var older in Meanings.SelectMany(m => m.Older))
        {
            Assert.DoesNotMatch($"(?<![a-z-]){older}(?![a-z-])", page);
            Assert.DoesNotContain(older, offered);
        }

        Assert.NotEmpty(offered);
    }

    private static Output Nowhere() => Output.To(Stream.Null, Stream.Null, isJson: false);
}
