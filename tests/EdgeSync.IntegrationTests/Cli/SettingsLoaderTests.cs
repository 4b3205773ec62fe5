using System.Text;
using EdgeSync.Agent;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>
/// What the layers of the settings promise together: a file, presets, variables and flags, as a command brings them.
/// </summary>
public sealed class SettingsLoaderTests
{
    /// <summary>Every key that there is, none with its default.</summary>
    private const string EveryKey = """
        {
          "node": { "name": "pump7", "data_dir": "/d", "control_socket": "/c", "url_file": "/u" },
          "nats": {
            "enabled": false, "role": "hub", "urls": ["nats-leaf://a", "nats-leaf://b"],
            "remotes": [ {
              "urls": ["nats-leaf://c"], "login": { "user": "u", "password": null, "password_file": "/p", "token": null,
                "token_file": "/t", "nkey_file": "/n", "creds_file": "/cr" },
              "tls": { "ca_file": "/ca", "cert_file": "/ce", "key_file": "/k", "pin": null, "first": true, "first_fallback": "50ms" } } ],
            "bind": "10.0.0.1", "client_port": 1, "leaf_port": 2, "websocket_port": 3,
            "websocket_origins": ["https://page.example"], "websocket_compression": true,
            "monitor_port": 4, "max_payload": 2048, "pending_max": 1048576, "store_dir": "/s", "server": "auto",
            "durable": false, "jetstream_domain": "d", "members": true,
            "login": { "user": "u", "password": null, "password_file": "/p", "token": null,
              "token_file": "/t", "nkey_file": "/n", "creds_file": "/cr" },
            "tls": { "ca_file": "/ca", "cert_file": "/ce", "key_file": "/k", "pin": null, "first": true, "first_fallback": "0" },
            "serve_tls": { "ca_file": "/ca", "cert_file": "/ce", "key_file": "/k", "pin": null, "first": true, "first_fallback": "50ms" },
            "users": [ {
              "user": "u", "password": null, "password_file": "/p", "nkey": "U", "publish": ["a", "b"], "subscribe": [],
              "allow_responses": -1, "responses_expire": "3m" } ],
            "token": null, "token_file": null
          },
          "iroh": {
            "enabled": true, "peers": ["03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"], "key_file": "/ik",
            "relays": ["https://r"], "relay_token_file": "/rt", "discovery": "own", "pkarr": ["https://p/pkarr"],
            "dns_origins": ["o"], "bind": "*:7777", "port_mapping": false
          },
          "http": {
            "listen": "8080", "port": 5, "bind": "10.0.0.2", "tls_listen": "8443", "tls_cert": "/tc", "tls_key": "/tk",
            "max_request_mb": 7, "max_exchanges": 8, "status_access": "everybody", "hosts": ["h"], "trusted_proxies": ["127.0.0.1"]
          },
          "assets": {
            "folder": "/as", "listen": "3211", "hosts": ["h"], "api_key": null, "api_key_file": "/ak", "admin_token": null,
            "admin_token_file": "/at", "sync_api_key": null, "sync_api_key_file": "/sk", "thumbnail_cache": false,
            "disk_reserve_mb": 65, "verify_interval": "1d", "verify_mb_per_second": 33, "rebuild_error_threshold": 51,
            "mirror": {
              "enabled": true, "passphrase": null, "passphrase_file": "/pp", "group": "g", "name": "n",
              "peers": ["03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"], "allow": ["trusted"],
              "original": ["ticket"], "limit": "5MB", "compat": true, "ticket_file": "/tf", "connect_ticket_file": "/cf" }
          },
          "repositories": [ {
            "path": "/a.fossil", "prefix": "p", "peers": ["https://h/a"], "user": "u", "password": null, "password_file": "/p",
            "pin": null, "push": false, "pull": false, "uv": true, "tables": true, "private": true, "autosync": "pullonly",
            "allow_fork": true, "override_lock": true, "poll": "1m", "serve_nats": false, "clone_from": "https://h/a",
            "project_code": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c",
            "watch": { "folder": "/w", "quiet": "3s", "user": "u", "branch": "b", "ignore": ["*.o"] },
            "notify": true, "notify_peers": ["https://h/notify"] } ],
          "hub": {
            "nobody_caps": "g", "project_code": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c", "seed_from": "https://h/a",
            "checkpoint": "20s", "exit_without_leaves": "1h", "users": [ { "login": "l", "caps": "c", "password_file": "/p" } ]
          },
          "bridge": { "projects": [ {
            "code": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c", "url": "https://h/a", "prefix": "p", "http_auth_file": "/h", "proxy": "http://x:1",
            "probe": "1s", "probe_max": "6s", "login_file": "/l", "fossil_file": "/f" } ] },
          "telemetry": { "endpoint": "http://c", "headers": null, "headers_file": "/h", "service_name": "s" },
          "log": { "format": "json", "level": "error" }
        }
        """;

    [Test]
    public void Every_key_is_read_and_shown_as_it_was_written()
    {
        var layers = new SettingLayers();
        layers.AddFile("edgesync.json", Encoding.UTF8.GetBytes(EveryKey));
        var shown = layers.Effective();

        var written = new List<(string Path, string Value)>();
        using var document = System.Text.Json.JsonDocument.Parse(EveryKey);
        Flatten(document.RootElement, "", written);
        Assert.Equal(written, shown.Select(v => (v.Path, v.Value)));
        Assert.All(shown, v => Assert.Equal("edgesync.json", v.Origin));
    }

    [Test]
    public void Every_key_has_another_value_than_its_default_in_that_file()
    {
        var layers = new SettingLayers();
        layers.AddFile(
            "edgesync.json", """{ "repositories": [ { "watch": {} } ], "bridge": { "projects": [ {} ] } }"""u8);
        var defaults = layers.Effective().ToDictionary(v => v.Path, v => v.Value);
        var every = new SettingLayers();
        every.AddFile("edgesync.json", Encoding.UTF8.GetBytes(EveryKey));

        // Secrets are not in the file, since they are not shown; a pin would need a second key.
        var same = every.Effective().Where(v => defaults.GetValueOrDefault(v.Path) == v.Value).Select(v => v.Path);
        Assert.Equal(
            ["nats.login.password", "nats.login.token", "nats.tls.pin", "nats.tls.first_fallback", "nats.serve_tls.pin",
                "nats.token", "nats.token_file", "assets.api_key", "assets.admin_token", "assets.sync_api_key",
                "assets.mirror.passphrase", "repositories[0].password", "repositories[0].pin",
                    "telemetry.headers"],
            same);
    }

    [Test]
    public void A_flag_replaces_the_whole_list_of_the_file()
    {
        const string File = """
            { "nats": { "urls": ["nats-leaf://a", "nats-leaf://b", "nats-leaf://c"],
                        "remotes": [ { "urls": ["nats-leaf://d", "nats-leaf://e"], "login": { "user": "u" } }, { "urls": ["nats-leaf://f"] } ] },
              "repositories": [ { "path": "r", "peers": ["http://a", "http://b"] } ] }
            """;

        var loaded = Load(
            File, ("--nats", ["nats-leaf://x"]), ("--nats-remote", ["nats-leaf://y,nats-leaf://z"]),
            ("--peer", ["http://c"]));

        Assert.Equal(["nats-leaf://x"], loaded.Settings.Nats.Urls);
        var remote = Assert.Single(loaded.Settings.Nats.Remotes);
        Assert.Equal(["nats-leaf://y", "nats-leaf://z"], remote.Urls);
        Assert.Null(remote.Login.User);
        Assert.Equal(["http://c"], loaded.Settings.Repositories[0].Peers);
        Assert.Equal("flag --nats", OriginOf(loaded, "nats.urls"));
        Assert.Equal("flag --nats-remote", OriginOf(loaded, "nats.remotes[0].urls"));
        Assert.Equal("default", OriginOf(loaded, "nats.remotes[0].login.user"));
        Assert.Equal("flag --peer", OriginOf(loaded, "repositories[0].peers"));
    }

    [Test]
    public void An_empty_flag_empties_the_list_of_the_file()
    {
        var loaded = Load("""{ "nats": { "urls": ["nats-leaf://a", "nats-leaf://b"] } }""", ("--nats", [""]));

        Assert.Empty(loaded.Settings.Nats.Urls);
        Assert.Equal("flag --nats", OriginOf(loaded, "nats.urls"));
    }

    [Test]
    public void A_list_of_users_is_one_flag_each()
    {
        var loaded = Load(
            NodeFlags.Hub, """{ "hub": { "users": [ { "login": "old", "caps": "s", "password_file": "/p" } ] } }""",
            ("--ensure-user", ["alice:gio", "bob:s"]));

        Assert.Equal(["alice gio", "bob s"], loaded.Settings.Hub.Users.Select(u => $"{u.Login} {u.Caps}"));
        Assert.All(loaded.Settings.Hub.Users, u => Assert.Null(u.PasswordFile));
    }

    [Test]
    public void A_variable_holds_a_list_with_commas_and_a_flag_overrules_it()
    {
        var flag = new SettingFlag(
            "repositories[*].peers", SettingKind.List, "--test-peer", "EDGESYNC_TEST_LIST", "Peers.");
        Environment.SetEnvironmentVariable("EDGESYNC_TEST_LIST", "http://x, http://y");
        const string File = """{ "repositories": [ { "path": "a", "peers": ["http://1", "http://2", "http://3"] }, { "path": "b" } ] }""";

        var byVariable = Load([flag], File);
        var byFlag = Load([flag], File, ("--test-peer", ["http://z"]));

        Assert.All(byVariable.Settings.Repositories, r => Assert.Equal(["http://x", "http://y"], r.Peers));
        Assert.Equal("variable EDGESYNC_TEST_LIST", OriginOf(byVariable, "repositories[1].peers"));
        Assert.All(byFlag.Settings.Repositories, r => Assert.Equal(["http://z"], r.Peers));
        Assert.Equal("flag --test-peer", OriginOf(byFlag, "repositories[0].peers"));
    }

    [Test]
    public void A_repository_flag_applies_to_each_repository_of_the_file_and_of_R()
    {
        const string File = """{ "repositories": [ { "path": "a", "poll": "1m" }, { "path": "b", "watch": { "folder": "f", "quiet": "9s" } } ] }""";

        var loaded = Load(File, ("--poll", ["2s"]), ("--watch", ["w"]));

        Assert.All(loaded.Settings.Repositories, r => Assert.Equal(TimeSpan.FromSeconds(2), r.Poll));
        Assert.All(loaded.Settings.Repositories, r => Assert.Equal("w", r.Watch!.Folder));
        Assert.Equal(
            [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(9)],
            loaded.Settings.Repositories.Select(r => r.Watch!.Quiet));
        Assert.Equal("flag --poll", OriginOf(loaded, "repositories[1].poll"));
        Assert.Equal("edgesync.json", OriginOf(loaded, "repositories[1].path"));

        var named = Loader(NodeFlags.Leaf, File, ("--poll", ["3s"])).With("c").Load();
        var one = Assert.Single(named.Settings.Repositories);
        Assert.Equal(("c", TimeSpan.FromSeconds(3)), (one.Path, one.Poll));
        Assert.Equal("flag --repo", OriginOf(named, "repositories[0].path"));
    }

    [Test]
    public void Flags_describe_the_only_project_of_a_bridge()
    {
        var loader = new SettingsLoader(
            new Given(
                """{ "bridge": { "projects": [ { "url": "http://a", "prefix": "p" }, { "url": "http://b" } ] } }""",
                [("--fossil-url", ["http://c"]), ("--project", [new string('0', 40)])]), NodeFlags.Bridge)
        {
            RepositoryVariable = Never,
            ListOfFlags = "bridge.projects",
        };

        var project = Assert.Single(loader.Load().Settings.Bridge.Projects);

        Assert.Equal(("http://c", "fossil"), (project.Url, project.Prefix));
    }

    [Test]
    [Arguments("--no-nats", "true", false)]
    [Arguments("--no-nats", "false", true)]
    public void A_negative_switch_sets_its_place_to_false(string flag, string word, bool isOn)
    {
        Assert.Equal(isOn, Load("{}", (flag, [word])).Settings.Nats.Enabled);
    }

    [Test]
    [Arguments("1", false)]
    [Arguments("off", true)]
    public void A_negative_variable_sets_its_place_to_false(string text, bool isOn)
    {
        var variable = "EDGESYNC_TEST_NO_" + text.ToUpperInvariant();
        Environment.SetEnvironmentVariable(variable, text);

        var loaded = Load([new SettingFlag("nats.enabled", SettingKind.OffSwitch, "--test-no", variable, "No.")], "{}");

        Assert.Equal(isOn, loaded.Settings.Nats.Enabled);
        Assert.Equal("variable " + variable, OriginOf(loaded, "nats.enabled"));
    }

    [Test]
    [
        Arguments(
            """{ "nats": { "Bind": "*" } }""",
            "edgesync.json line 1: unknown setting 'nats.Bind'; did you mean nats.bind?")]
    [
        Arguments(
            "{\n\"nats\": {\n\"bnd\": \"*\" } }",
            "edgesync.json line 3: unknown setting 'nats.bnd'; did you mean nats.bind?")]
    [
        Arguments(
            """{ "nats": { "maxpayload": 1 } }""", "unknown setting 'nats.maxpayload'; did you mean nats.max_payload?")]
    [Arguments("""{ "nats:bind": "*" }""", "unknown setting 'nats:bind'")]
    [Arguments("""{ "nats": { "all_remotes": [] } }""", "unknown setting 'nats.all_remotes'")]
    [Arguments("""{ "nats": { "is_useful": true } }""", "unknown setting 'nats.is_useful'")]
    [
        Arguments(
            """{ "repositories": [ { "watch": { "foldr": "f" } } ] }""",
            "unknown setting 'repositories[0].watch.foldr'; did you mean repositories[0].watch.folder?")]
    [Arguments("{ \"log\": {},\n \"log\": {} }", "edgesync.json line 2: 'log' is set twice")]
    public void An_unknown_or_repeated_name_is_a_fault_with_its_line(string text, string message)
    {
        Assert.Contains(message, Fault(text), StringComparison.Ordinal);
    }

    [Test]
    [
        Arguments(
            "{\n\n\"nats\": { \"max_payload\": \"2048\" } }", "line 3: nats.max_payload: a whole number is expected")]
    [Arguments("""{ "nats": { "max_payload": 1.5 } }""", "line 1: nats.max_payload: a whole number is expected")]
    [Arguments("""{ "nats": { "leaf_port": 99999999999 } }""", "nats.leaf_port: a whole number is expected")]
    [Arguments("""{ "nats": { "enabled": "true" } }""", "nats.enabled: true or false is expected")]
    [Arguments("""{ "nats": { "enabled": 1 } }""", "nats.enabled: true or false is expected")]
    [Arguments("""{ "nats": { "bind": 7 } }""", "nats.bind: a text is expected")]
    [Arguments("""{ "nats": { "urls": "nats-leaf://a" } }""", "nats.urls: a list is expected")]
    [Arguments("""{ "nats": { "urls": ["nats-leaf://a", 1] } }""", "nats.urls: a list of texts is expected")]
    [Arguments("""{ "nats": { "urls": [null] } }""", "nats.urls: a list of texts is expected")]
    [Arguments("""{ "nats": 3 }""", "line 1: nats: an object is expected")]
    [Arguments("""{ "nats": [] }""", "nats: an object is expected")]
    [Arguments("""{ "repositories": {} }""", "repositories: a list is expected")]
    [Arguments("{ \"repositories\": [ {},\n 5 ] }", "line 2: repositories[1]: an object is expected")]
    [
        Arguments(
            """{ "repositories": [ { "poll": 30 } ] }""", "repositories[0].poll: a duration is a text such as \"30s\"")]
    [
        Arguments(
            "{ \"repositories\": [ {\n \"poll\": \"soon\" } ] }",
            "line 2: repositories[0].poll: invalid duration 'soon' (examples: 30s, 10m, 2h, 7d)")]
    [Arguments("""{ "nats": { "role": "king" } }""", "nats.role: 'king' is not one of peer, hub, leaf")]
    [Arguments("""{ "nats": { "role": "1" } }""", "nats.role: '1' is not one of peer, hub, leaf")]
    [Arguments("""{ "nats": { "role": 1 } }""", "nats.role: '1' is not one of peer, hub, leaf")]
    [
        Arguments(
            """{ "log": { "level": "debug,error" } }""",
            "log.level: 'debug,error' is not one of debug, info, warning, error")]
    [Arguments("{ \"node\":\n }", "edgesync.json line 2: not valid JSON")]
    [
        Arguments(
            "{ \"node\": {}\n",
            "edgesync.json line 2: not valid JSON: the file ends before all braces and brackets are closed")]
    [Arguments("{}\n{}", "edgesync.json line 2: not valid JSON")]
    [Arguments("[]", "edgesync.json: the settings are one JSON object")]
    [Arguments(" \n", "edgesync.json is empty: the settings are one JSON object")]
    public void What_cannot_be_at_its_place_is_a_fault_with_its_line(string text, string message)
    {
        Assert.Contains(message, Fault(text), StringComparison.Ordinal);
    }

    [Test]
    public void An_invalid_flag_value_names_the_flag()
    {
        var fault = Assert.Throws<EdgeSyncException>(() => Load("{}", ("--nats-role", ["king"])));

        Assert.Equal(ErrorKind.Usage, fault.Kind);
        Assert.Equal("flag --nats-role: nats.role: 'king' is not one of peer, hub, leaf", fault.Message);
    }

    [Test]
    public void Durations_and_words_are_read_in_every_form()
    {
        var settings = Load("""
            { "nats": { "role": "HUB", "serve_tls": { "first": true, "first_fallback": "250ms" } },
              "http": { "status_access": "everybody" }, "log": { "format": "Json", "level": "warning" },
              "repositories": [ { "path": "a", "autosync": "pullonly", "poll": "1.5m" } ],
              "hub": { "checkpoint": "2h", "exit_without_leaves": "7d" },
              "bridge": { "projects": [ { "code": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c", "url": "http://h", "probe": "0" } ] } }
            """).Settings;

        Assert.Equal(
            (NodeRole.Hub, TimeSpan.FromMilliseconds(250)), (settings.Nats.Role, settings.Nats.ServeTls.FirstFallback));
        Assert.Equal(
            (StatusAccess.Everybody, LogFormat.Json, LogLevel.Warning),
            (settings.Http.StatusAccess, settings.Log.Format, settings.Log.Level));
        Assert.Equal(
            (AutosyncMode.PullOnly, TimeSpan.FromSeconds(90)),
            (settings.Repositories[0].Autosync, settings.Repositories[0].Poll));
        Assert.Equal(
            (TimeSpan.FromHours(2), TimeSpan.FromDays(7)), (settings.Hub.Checkpoint, settings.Hub.ExitWithoutLeaves));
        Assert.InRange(settings.Bridge.Projects[0].Probe, TimeSpan.Zero, TimeSpan.FromTicks(1));
    }

    [Test]
    public void Null_means_the_default_over_a_command_preset()
    {
        var loader = new SettingsLoader(new Given("""
            { "nats": { "leaf_port": null, "bind": null, "urls": null, "enabled": null, "max_payload": null, "role": null, "tls": null },
              "hub": { "checkpoint": null }, "repositories": [ { "path": "a", "poll": null, "watch": null } ], "log": null }
            """, []), NodeFlags.Hub)
        {
            RepositoryVariable = Never,
            Preset = Presets(("nats.role", "hub"), ("nats.leaf_port", "0"), ("nats.client_port", "0")),
        };

        var settings = loader.Load().Settings;

        Assert.Equal((null, 0), (settings.Nats.LeafPort, settings.Nats.ClientPort));
        Assert.Equal(
            ("127.0.0.1", true, 1 << 20, NodeRole.Peer),
            (settings.Nats.Bind, settings.Nats.Enabled, settings.Nats.MaxPayload, settings.Nats.Role));
        Assert.Empty(settings.Nats.Urls);
        Assert.Equal((TimeSpan.FromSeconds(5), null), (settings.Repositories[0].Poll, settings.Repositories[0].Watch));
    }

    [Test]
    public void An_empty_text_counts_as_unset_and_overrides_a_preset()
    {
        var loader = new SettingsLoader(
            new Given("""{ "node": { "name": "" }, "nats": { "bind": "" } }""", [("--nobody-caps", [""])]),
            NodeFlags.Hub)
        {
            RepositoryVariable = Never,
            Preset = Presets(("hub.nobody_caps", "gio")),
        };

        var settings = loader.Load().Settings;

        Assert.Null(settings.Node.Name);
        Assert.Equal("127.0.0.1", settings.Nats.Bind);
        Assert.Null(settings.Hub.NobodyCaps);
    }

    [Test]
    public void An_empty_list_and_an_empty_object_are_there()
    {
        var settings = Load("""
            { "nats": { "users": [ { "user": "u", "password": "p", "publish": [], "subscribe": ["a"] }, { "user": "v", "password": "p" } ] },
              "repositories": [ { "path": "a", "watch": { "folder": "w" } } ] }
            """).Settings;

        Assert.Empty(settings.Nats.Users[0].Publish!);
        Assert.Null(settings.Nats.Users[1].Publish);
        Assert.Contains(
            "repositories[0].path: a repository needs its file", Fault("""{ "repositories": [ {} ] }"""),
            StringComparison.Ordinal);
        Assert.Contains(
            "repositories[0].watch.folder: no folder",
            Fault("""{ "repositories": [ { "path": "a", "watch": {} } ] }"""), StringComparison.Ordinal);
    }

    [Test]
    public void A_file_with_a_password_is_detected()
    {
        Assert.True(Load("""{ "nats": { "login": { "password": "hush" } } }""").FileHoldsSecret);
        Assert.True(Load("""{ "repositories": [ { "path": "a", "peers": ["http://b", "http://u:hush@h/"] } ] }""").FileHoldsSecret);
        Assert.True(Load("""{ "assets": { "api_key": "hush" } }""").FileHoldsSecret);
        Assert.True(Load("""{ "assets": { "admin_token": "hush" } }""").FileHoldsSecret);
        Assert.True(Load("""{ "assets": { "mirror": { "passphrase": "hush" } } }""").FileHoldsSecret);
        Assert.False(Load("""{ "assets": { "api_key_file": "/k", "admin_token": null } }""").FileHoldsSecret);
        Assert.False(
            Load("""{ "nats": { "login": { "password_file": "/p" } } }""", ("--password", ["hush"])).FileHoldsSecret);
    }

    [Test]
    [Arguments("{}", "{}", "", "")]
    [
        Arguments(
            """{ "nats": { "bind": "*", "users": [ { "user": "u", "password": "a" } ] } }""",
            """{ "nats": { "bind": "*", "users": [ { "user": "u", "password": "b" } ] } }""", "nats.users", "")]
    [
        Arguments(
            """{ "nats": { "login": { "password": "a" } } }""", """{ "nats": { "login": { "password": "b" } } }""",
            "nats.login.password", "")]
    [
        Arguments(
            "{}", """{ "nats": { "token": "a", "leaf_port": 0 } }""", "nats.leaf_port nats.token",
            "nats.leaf_port nats.token")]
    [
        Arguments(
            """{ "nats": { "leaf_port": 0 } }""", """{ "nats": { "leaf_port": 0, "token": "a" } }""", "nats.token", "")]
    [
        Arguments(
            """{ "nats": { "leaf_port": 0 } }""", """{ "nats": { "leaf_port": 0, "token_file": "/a" } }""",
            "nats.token_file", "")]
    [
        Arguments(
            """{ "nats": { "leaf_port": 0 } }""",
            """{ "nats": { "leaf_port": 1, "bind": "*", "pending_max": 2000000 } }""",
            "nats.bind nats.leaf_port nats.pending_max", "nats.bind nats.leaf_port")]
    [Arguments("{}", """{ "repositories": [ { "path": "a" } ], "log": { "level": "debug" }, "telemetry": { "service_name": "s" } }""", "log.level repositories telemetry.service_name", "")]
    [
        Arguments(
            "{}", """{ "http": { "listen": "1", "status_access": "everybody", "hosts": ["h"], "max_exchanges": 3 } }""",
            "http.hosts http.listen http.max_exchanges http.status_access", "http.listen http.max_exchanges")]
    [Arguments("{}", """{ "hub": { "checkpoint": "1h", "project_code": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c", "seed_from": "x" }, "node": { "name": "n" } }""", "hub.checkpoint hub.project_code hub.seed_from node.name", "hub.project_code hub.seed_from node.name")]
    [Arguments("{}", """{ "nats": { "websocket_compression": true, "members": true }, "bridge": { "projects": [ { "code": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c", "url": "http://h" } ] } }""", "bridge.projects nats.members nats.websocket_compression", "bridge.projects nats.websocket_compression")]
    public void A_reload_names_what_changed_and_what_waits_for_a_restart(
        string before, string now, string changed, string waiting)
    {
        var change = new NewSettings(Load(before), Load(now));

        Assert.Equal(changed, string.Join(' ', change.Changed));
        Assert.Equal(waiting, string.Join(' ', change.Waiting));
        Assert.Equal(changed.Length > 0, change.Any);
    }

    private const string Never = "EDGESYNC_TEST_VARIABLE_THAT_IS_NEVER_SET";

    private static string Fault(string text)
    {
        var failure = Assert.Throws<EdgeSyncException>(() => Load(text));
        Assert.Equal(ErrorKind.Usage, failure.Kind);
        return failure.Message;
    }

    private static string OriginOf(LoadedSettings loaded, string path) =>
        loaded.Values.Single(v => v.Path == path).Origin;

    private static LoadedSettings Load(string text, params (string Flag, string[] Words)[] given) =>
        Load(NodeFlags.Leaf, text, given);

    private static LoadedSettings Load(
        IReadOnlyList<SettingFlag> flags, string text, params (string Flag, string[] Words)[] given) =>
        Loader(flags, text, given).With(null).Load();

    private static Start Loader(
        IReadOnlyList<SettingFlag> flags, string text, params (string Flag, string[] Words)[] given) =>
        new(new Given(text, given), flags);

    private static IReadOnlyList<(string Path, SettingInput Value)> Presets(
        params (string Path, string Value)[] presets) =>
        [.. presets.Select(p => (p.Path, SettingInput.Of(p.Value)))];

    private static void Flatten(System.Text.Json.JsonElement element, string path, List<(string, string)> values)
    {
        switch (element.ValueKind)
        {
            case System.Text.Json.JsonValueKind.Object:
                foreach (var field in element.EnumerateObject())
                    Flatten(field.Value, path.Length == 0 ? field.Name : $"{path}.{field.Name}", values);
                break;
            case System.Text.Json.JsonValueKind.Array when element.EnumerateArray()
                .Any(e => e.ValueKind == System.Text.Json.JsonValueKind.Object):
                for (var i = 0; i < element.GetArrayLength(); i++) Flatten(element[i], $"{path}[{i}]", values);
                break;
            default:
                values.Add((path, element.GetRawText().Replace(", ", ",", StringComparison.Ordinal)));
                break;
        }
    }

    private sealed record Start(Given Given, IReadOnlyList<SettingFlag> Flags)
    {
        public SettingsLoader With(string? repository) =>
            new(Given, Flags) { RepositoryVariable = Never, Repository = repository };
    }

    private sealed class Given(string text, (string Flag, string[] Words)[] given) : ISettingArguments
    {
        public string File => "edgesync.json";

        public byte[] ReadFile(string path) => Encoding.UTF8.GetBytes(text);

        public SettingInput? ValueOf(SettingFlag flag) =>
            given.Where(g => g.Flag == flag.Name).Select(g => flag.Parse(g.Words)).FirstOrDefault();
    }
}
