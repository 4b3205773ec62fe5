using EdgeSync.Node.Host;
using EdgeSync.Node.Settings;

namespace EdgeSync.IntegrationTests.Notify;

/// <summary>The leaf of a command: its name is one of a node, whatever the machine's is.</summary>
public sealed class NotifyLinkTests
{
    [Test]
    [Arguments("port", "port-notify-7")]
    [Arguments("port.example.org", "port-notify-7")]
    [Arguments("Über port", null)]
    [Arguments("a-very-long-name-of-a-machine-that-fills-all-of-a-label-of-dns-0", null)]
    public void A_name_is_one_of_a_node_and_ends_with_the_process(string machine, string? expected)
    {
        var name = NotifyLink.NameOf(machine, 7);

        if (expected is not null) Assert.Equal(expected, name);
        Assert.EndsWith("-notify-7", name, StringComparison.Ordinal);
        var settings = new NodeSettings
        {
            Node = { Name = name },
            Nats = { Urls = ["nats://127.0.0.1:4222"] },
            Repositories = [new RepositorySettings { Path = "notify.fossil" }],
        };
        SettingsCheck.Require(settings, file: null);
    }
}
