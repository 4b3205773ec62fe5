using EdgeSync.Cli.Commands.Node;
using EdgeSync.Node.Joining;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class ServiceUnitTests
{
    [Test]
    public void A_system_unit_runs_the_leaf_with_its_settings_in_a_strict_file_system()
    {
        var folder = new NodeFolder("/srv/50% off/work.fossil");
        var lines = ServiceUnit.TextOf("/opt/edge sync/edgesync", folder, "/srv/50% off/work.fossil", isSystem: true)
            .Split('\n');

        Assert.Contains($"ExecStart=\"/opt/edge sync/edgesync\" leaf --config \"{folder.SettingsFile}\"", lines);
        Assert.Contains("Type=notify", lines);
        Assert.Contains("ProtectSystem=strict", lines);
        Assert.Contains(lines, l => l.StartsWith("ReadWritePaths=\"/srv/50%% off\" ", StringComparison.Ordinal));
        Assert.Contains("Description=EdgeSync of /srv/50%% off/work.fossil", lines);
        Assert.Contains("WantedBy=multi-user.target", lines);
    }

    [Test]
    public void A_user_unit_has_no_option_that_needs_root()
    {
        var text = ServiceUnit.TextOf(
            "/home/me/edgesync", new NodeFolder("/home/me/work.fossil"), "/home/me/work.fossil", isSystem: false);

        Assert.Contains("WantedBy=default.target", text, StringComparison.Ordinal);
        Assert.DoesNotContain("RuntimeDirectory=", text, StringComparison.Ordinal);
        Assert.DoesNotContain("ProtectSystem=", text, StringComparison.Ordinal);
    }

    [Test]
    public void Repositories_of_one_name_have_services_of_their_own() =>
        Assert.NotEqual(new NodeFolder("/a/work.fossil").Name, new NodeFolder("/b/work.fossil").Name);
}
