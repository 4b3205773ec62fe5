using System.Text;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>edgesync.json and what is laid over it.</summary>
public sealed class SettingLayersTests
{
    [Test]
    public void An_unset_value_has_its_default()
    {
        var layers = Layers("{}");

        var value = layers.Effective().Single(v => v.Path == "nats.max_payload");

        Assert.Equal(new SettingValue("nats.max_payload", "1048576", "default"), value);
    }

    [Test]
    public void The_later_layer_wins_and_is_named()
    {
        var layers = Layers("""{ "nats": { "bind": "10.0.0.1", "leaf_port": 7422 } }""");
        layers.Set("nats.bind", SettingInput.Of("*"), "flag --nats-bind");

        Assert.Equal("*", layers.Bind().Nats.Bind);
        Assert.Equal("flag --nats-bind", OriginOf(layers, "nats.bind"));
        Assert.Equal("edgesync.json", OriginOf(layers, "nats.leaf_port"));
    }

    [Test]
    public void A_star_sets_every_element()
    {
        var layers = Layers("""{ "repositories": [ { "path": "a", "poll": "1m" }, { "path": "b" } ] }""");
        layers.Set("repositories[*].poll", SettingInput.Of("2s"), "variable LEAF_POLL");

        Assert.All(layers.Bind().Repositories, r => Assert.Equal(TimeSpan.FromSeconds(2), r.Poll));
        Assert.Equal("variable LEAF_POLL", OriginOf(layers, "repositories[1].poll"));
        Assert.Equal("edgesync.json", OriginOf(layers, "repositories[1].path"));
    }

    [Test]
    public void Comments_and_trailing_commas_are_allowed()
    {
        var layers = Layers("""
            { // who
              "node": { "name": "pump7", }, /* that is all */
            }
            """);

        Assert.Equal("pump7", layers.Bind().Node.Name);
    }

    [Test]
    [Arguments("""{ "nod": {} }""", "unknown setting 'nod'; did you mean node?")]
    [
        Arguments(
            """{ "repositories": [ { "path": "a", "pol": "1s" } ] }""",
            "unknown setting 'repositories[0].pol'; did you mean repositories[0].poll?")]
    [
        Arguments(
            """{ "repositories": [ { "path": "a", "poll": "soon" } ] }""",
            "invalid duration 'soon' (examples: 30s, 10m, 2h, 7d)")]
    [Arguments("""{ "nats": { "role": "king" } }""", "nats.role")]
    [Arguments("[]", "edgesync.json")]
    [Arguments("{ \"node\": ", "edgesync.json line 1")]
    public void What_is_wrong_is_told_with_its_place(string text, string expected)
    {
        var failure = Assert.Throws<EdgeSyncException>(() => Layers(text).Bind());

        Assert.Equal(ErrorKind.Usage, failure.Kind);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Test]
    public void Secrets_are_never_shown()
    {
        var layers = Layers("""
            { "nats": { "urls": [ "nats-leaf://u:hush@hub:7422" ], "login": { "password": "hush", "token": "hush" } },
              "repositories": [ { "path": "a", "password": "hush", "peers": [ "https://a:hush@h/x" ] } ],
              "telemetry": { "headers": "key=hush" } }
            """);

        Assert.DoesNotContain(layers.Effective(), v => v.Value.Contains("hush", StringComparison.Ordinal));
    }

    [Test]
    [Arguments("nats-leaf://hub", "Leafnode", 7422)]
    [Arguments("nats-leaf://hub:1234", "Leafnode", 1234)]
    [Arguments("nats://hub:7422", "Leafnode", 7422)]
    [Arguments("nats://hub", "Client", 4222)]
    [Arguments("hub", "Client", 4222)]
    [Arguments("tls://hub:4443", "Client", 4443)]
    [Arguments("wss://hub", "Client", 443)]
    public void The_scheme_of_a_NATS_address_selects_the_port(string text, string kind, int port)
    {
        Assert.True(NatsAddress.TryParse(text, out var address, out _));

        Assert.Equal(kind, address.Kind.ToString());
        Assert.Equal(port, address.Url.Port);
        Assert.NotEmpty(address.Why);
    }

    [Test]
    [Arguments("http://hub")]
    [Arguments("nats://")]
    public void Other_addresses_are_refused_with_a_reason(string text)
    {
        Assert.False(NatsAddress.TryParse(text, out _, out var fault));

        Assert.NotEmpty(fault);
    }

    [Test]
    [Arguments("""{ "node": { "name": "two words" } }""", "node.name")]
    [Arguments("""{ "nats": { "urls": [ "nats://a", "nats-leaf://b" ] } }""", "nats.urls")]
    [Arguments("""{ "nats": { "urls": [ "nats://a" ], "leaf_port": 7422 } }""", "nats.urls")]
    [Arguments("""{ "nats": { "leaf_port": 70000 } }""", "nats.leaf_port")]
    [Arguments("""{ "nats": { "users": [ {} ] } }""", "nats.users[0]")]
    [Arguments("""{ "http": { "listen": "nowhere" } }""", "http.listen")]
    [Arguments("""{ "assets": { "listen": "nowhere" } }""", "assets.listen")]
    [Arguments("""{ "assets": { "disk_reserve_mb": -1 } }""", "assets.disk_reserve_mb")]
    [Arguments("""{ "assets": { "mirror": { "enabled": true, "passphrase": "p" } } }""", "assets.mirror.enabled")]
    [Arguments("""{ "assets": { "folder": "a", "mirror": { "enabled": true } } }""", "assets.mirror.enabled")]
    [Arguments("""{ "assets": { "mirror": { "peers": ["somebody"] } } }""", "assets.mirror.peers")]
    [Arguments("""{ "assets": { "mirror": { "allow": ["somebody"] } } }""", "assets.mirror.allow")]
    [Arguments(
        """{ "assets": { "folder": "a", "mirror": { "enabled": true, "passphrase": "p", "allow": ["trusted"] } } }""",
        "assets.mirror.allow")]
    [Arguments("""{ "assets": { "mirror": { "limit": "fast" } } }""", "assets.mirror.limit")]
    [Arguments("""{ "repositories": [ { "path": "a" }, { "path": "./a" } ] }""", "repositories[1].path")]
    [Arguments("""{ "repositories": [ { "path": "a", "prefix": "a b" } ] }""", "repositories[0].prefix")]
    [Arguments("""{ "repositories": [ { "path": "a", "clone_from": "nats" } ] }""", "repositories[0].project_code")]
    [Arguments("""{ "bridge": { "projects": [ { "code": "x", "url": "http://h" } ] } }""", "bridge.projects[0].code")]
    public void Faults_beyond_types_are_checked(string text, string path)
    {
        var faults = SettingsCheck.Faults(Layers(text).Bind()).ToList();

        Assert.Contains(faults, f => f.Path == path);
    }

    [Test]
    public void A_secret_that_others_can_read_is_refused()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip.Test("modes are a Unix matter");
            return;
        }

        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "hush\nmore\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
            var failure = Assert.Throws<EdgeSyncException>(() => Secrets.FirstLine(file));
            Assert.Contains("chmod 600", failure.Hint, StringComparison.Ordinal);

            File.SetUnixFileMode(file, UnixFileMode.UserRead);
            Assert.Equal("hush", Secrets.FirstLine(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static SettingLayers Layers(string text)
    {
        var layers = new SettingLayers();
        layers.AddFile("edgesync.json", Encoding.UTF8.GetBytes(text));
        return layers;
    }

    private static string OriginOf(SettingLayers layers, string path) =>
        layers.Effective().Single(v => v.Path == path).Origin;
}
