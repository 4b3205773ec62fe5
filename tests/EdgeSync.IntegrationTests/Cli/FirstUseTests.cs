using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>Findings of a first hour of use, each as it should be.</summary>
// These tests change the folder of the process.
[NotInParallel]
public sealed class FirstUseTests : IDisposable
{
    private readonly string _before = Environment.CurrentDirectory;
    private readonly TemporaryFolder _folder = new();

    public FirstUseTests()
    {
        Environment.CurrentDirectory = _folder.Path;
        Ok("repo", "new", "a.fossil", "--user", "root");
    }

    public void Dispose()
    {
        Environment.CurrentDirectory = _before;
        _folder.Dispose();
    }

    [Test]
    public void An_empty_branch_closes_nothing()
    {
        var run = InProcessCli.Run("repo", "branch", "close", "");

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.DoesNotContain("closed", Ok("repo", "branch", "ls", "--all"), StringComparison.Ordinal);
    }

    [Test]
    [Arguments("info")]
    [Arguments("verify")]
    [Arguments("rebuild")]
    [Arguments("timeline")]
    public void The_repository_may_be_an_argument(string command)
    {
        Ok("repo", "new", "b.fossil");   // two here: one has to be named

        Assert.Equal(Ok("repo", command, "a.fossil", "--json")[..20],
            Ok("repo", command, "-R", "a.fossil", "--json")[..20]);
        Assert.Contains("two repositories are named", Refused("repo", command, "a.fossil", "-R", "b.fossil"),
            StringComparison.Ordinal);
    }

    [Test]
    public void Backup_takes_the_repository_first()
    {
        Ok("repo", "backup", "a.fossil", "copy.fossil");

        Assert.Contains("project-code", Ok("repo", "info", "copy.fossil"), StringComparison.Ordinal);
    }

    [Test]
    [Arguments("autosnyc", "off", "unknown setting 'autosnyc'; did you mean autosync?")]
    [Arguments("autosync", "banana", "autosync: 'banana' is not on, off, pullonly, all")]
    [Arguments("dotfiles", "perhaps", "dotfiles: 'perhaps' is not on or off")]
    [Arguments("http-port", "many", "http-port: 'many' is not a whole number")]
    public void A_setting_is_checked_unless_forced(string name, string value, string said)
    {
        Assert.Contains(said, Refused("repo", "config", "set", name, value), StringComparison.Ordinal);
        Assert.Contains(said, Refused("repo", "settings", name, value), StringComparison.Ordinal);

        Ok("repo", "config", "set", name, value, "--force");
        Assert.Contains(value, Ok("repo", "config", "get", name), StringComparison.Ordinal);
        Ok("repo", "config", "set", name, "");
        Assert.Equal(ExitCode.NotFound, InProcessCli.Run("repo", "config", "get", name).Code);
    }

    // Its tables are created again at once, so what makes none cannot be set by force either.
    [Test]
    [Arguments()]
    [Arguments("--force")]
    public void A_ticket_table_that_makes_no_table_is_refused(params string[] force)
    {
        Assert.Contains(
            "ticket-table", Refused(["repo", "config", "set", "ticket-table", "nonsense", .. force]),
            StringComparison.Ordinal);

        Assert.Equal(ExitCode.NotFound, InProcessCli.Run("repo", "config", "get", "ticket-table").Code);
    }

    [Test]
    [Arguments("autosync", "pullonly")]
    [Arguments("ignore-glob", "*.o")]
    [Arguments("project-name", "Ours")]
    [Arguments("timeline-utc", "1")]
    public void Fossils_settings_are_known(string name, string value)
    {
        Ok("repo", "config", "set", name, value);
        Assert.Equal(value + "\n", Ok("repo", "settings", name));
        Ok("repo", "config", "unset", name);
    }

    /// <summary>Every setting that the stock program lists is one to us.</summary>
    [Test]
    public void Every_setting_of_stock_is_known()
    {
        var stock = new ProgramStart("/usr/bin/fossil")
        {
            Arguments = ["help", "-s"],
            Environment = new Dictionary<string, string?> { ["HOME"] = _folder.Path, ["COLUMNS"] = "200" }
        };
        Skip.Unless(File.Exists(stock.Program), "fossil is not installed");

        var names = stock.Run().MustSucceed().Output.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

        Assert.True(names.Length > 80, $"only {names.Length} settings");
        Assert.All(names, name =>
        {
            try
            {
                KnownSettings.Require(name, name == "safe-html" ? "b" : "1", isForced: false);
            }
            catch (EdgeSyncException e) when (!e.Message.StartsWith("unknown", StringComparison.Ordinal))
            {
                // Known, and "1" is none of its values.
            }
        });
    }

    /// <summary>Every setting that our own source reads is one, too.</summary>
    [Test]
    public void Every_setting_that_we_read_is_known()
    {
        var source = Directory.EnumerateFiles(
            Path.Combine(Vectors.RepositoryRoot, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText);
        var reads = new System.Text.RegularExpressions.Regex(
            @"(?:Settings\[|\.Boolean\(|\.Int64\(|Settings\.Require\(|SettingOf\()""([a-z0-9-]+)""");

        var names = source.SelectMany(text => reads.Matches(text)).Select(m => m.Groups[1].Value).Distinct().ToList();

        Assert.Contains("max-download", names);
        Assert.All(names, name =>
        {
            try
            {
                KnownSettings.Require(name, "1", isForced: false);
            }
            catch (EdgeSyncException e) when (!e.Message.StartsWith("unknown", StringComparison.Ordinal))
            {
                // Known; fixed, or "1" is none of its values.
            }
        });
    }

    [Test]
    public void An_invitation_can_always_clone()
    {
        Ok("repo", "invite", "bob", "--cap", "oi", "--url", "http://127.0.0.1:8093");

        Assert.Contains("bob       oig", Ok("repo", "user", "list")
            .Replace("bob        ", "bob       ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("is not the address of a peer",
            Refused("repo", "invite", "eve", "--cap", "o", "--url", "ftp://x"), StringComparison.Ordinal);
    }

    [Test]
    public void A_denial_names_the_capability_and_the_user()
    {
        var nobody = SyncFaults.Denied(new Uri("http://host/"), "not authorized to clone", null);
        var bob = SyncFaults.Denied(new Uri("http://host/"), "not authorized to write", "bob");

        Assert.EndsWith("not authorized to clone: user nobody lacks capability g (clone)", nobody.Message,
            StringComparison.Ordinal);
        Assert.EndsWith("not authorized to write: user bob lacks capability i (check in)", bob.Message,
            StringComparison.Ordinal);
        Assert.Equal("log in: --user LOGIN", nobody.Hint);
        Assert.Null(Advice.FaultOf(bob.Hint!, null));
    }

    [Test]
    public void The_last_user_with_all_capabilities_stays()
    {
        var run = InProcessCli.Run("repo", "user", "rm", "root");

        Assert.Equal(ExitCode.Conflict, run.Code);
        Ok("repo", "user", "rm", "root", "--force");
    }

    [Test]
    public void A_repeated_command_reports_already_and_writes_nothing()
    {
        Ok("repo", "tag", "add", "v1", "--user", "root");
        Ok("repo", "branch", "new", "side", "--user", "root");
        Ok("repo", "branch", "close", "side", "--user", "root");
        Ok("repo", "branch", "hide", "side", "--user", "root");
        var before = Blobs();

        Assert.Contains("\"already_tagged\"",
            Ok("repo", "tag", "add", "v1", "-r", "root:trunk", "--json", "--user", "root"), StringComparison.Ordinal);
        Assert.Contains("\"already_untagged\"", Ok("repo", "tag", "cancel", "v2", "--json", "--user", "root"),
            StringComparison.Ordinal);
        Assert.Contains("\"already_closed\"", Ok("repo", "branch", "close", "side", "--json", "--user", "root"),
            StringComparison.Ordinal);
        Assert.Contains("\"already_hidden\"", Ok("repo", "branch", "hide", "side", "--json", "--user", "root"),
            StringComparison.Ordinal);
        Assert.Equal(before, Blobs());
    }

    [Test]
    public void What_is_written_again_reports_already_and_writes_nothing()
    {
        File.WriteAllText("text", "the same\n");
        var note = IdOf("technote", "repo", "technote", "create", "A note", "text");
        var ticket = IdOf("ticket", "repo", "ticket", "add", "title=It fails", "status=Open");
        Ok("repo", "attachment", "add", ticket, "text", "--user", "root");
        Ok("repo", "config", "set", "project-name", "Ours");
        var before = Blobs();

        foreach (var (words, status) in ((string[], string)[])[
            (["technote", "commit", note, "text"], "already_committed"),
            (["ticket", "set", ticket, "status=Open"], "already_changed"),
            (["attachment", "add", ticket, "text"], "already_attached"),
            (["config", "set", "project-name", "Ours"], "already_set"),
            (["config", "unset", "ignore-glob"], "already_removed")])
            Assert.Contains(
                $"\"{status}\"", Ok(["repo", .. words, "--json", .. AsRoot(words)]), StringComparison.Ordinal);
        Assert.Equal(before, Blobs());

        // A row that holds nothing is removed, and is not there the second time.
        using (var file = new SqliteFile("a.fossil", writable: true))
            file.Execute("INSERT INTO config(name,value,mtime) VALUES('empty-glob','',0)");
        Assert.Contains("\"removed\"", Ok("repo", "config", "unset", "empty-glob", "--json"), StringComparison.Ordinal);
        Assert.Contains(
            "\"already_removed\"", Ok("repo", "config", "unset", "empty-glob", "--json"), StringComparison.Ordinal);
        Ok("repo", "ticket", "set", ticket, "status=Closed", "--user", "root");
        Assert.NotEqual(before, Blobs());

        string IdOf(string name, params string[] words) => System.Text.Json.JsonDocument.Parse(
            Ok([.. words, "--json", "--user", "root"])).RootElement.GetProperty(name).GetString()!;

        static string[] AsRoot(string[] words) => words[0] == "config" ? [] : ["--user", "root"];
    }

    [Test]
    [Arguments("repo query 'select 1; select 2'", "several SQL statements; the second is: select 2")]
    [Arguments("repo ci -m '  ' --allow-empty", "the comment is blank")]
    [Arguments("repo resolve ab", "a hash prefix needs at least 4 digits")]
    [Arguments("repo timeline --branch nosuch", "no branch or tag is named 'nosuch'")]
    [Arguments("repo timeline --limit=-5", "--limit: '-5' is not a whole number (0 or more)")]
    [Arguments("repo timeline -n -5", "--limit")]
    [Arguments("repo ls trunk -r trunk", "two versions are named")]
    [Arguments("leaf --push --no-push", "--push and --no-push contradict each other")]
    [Arguments("leaf --push --push=false", "--push is given twice")]
    [Arguments("leaf --push=maybe", "--push: 'maybe' is not true or false")]
    [Arguments("leaf --poll soon", "--poll: invalid duration 'soon'")]
    [Arguments("leaf --watch nosuch --serve-http :0 --repo a.fossil", "the watched folder nosuch does not exist")]
    [Arguments("leaf --password-file pw --serve-http :0 --repo a.fossil", "a password without a user (--user LOGIN)")]
    public void A_typing_error_is_rejected(string line, string said)
    {
        var run = InProcessCli.Run([.. System.Text.RegularExpressions.Regex.Matches(line, @"'([^']*)'|(\S+)")
            .Select(m => m.Value.Trim('\''))]);

        Assert.True(run.Code is ExitCode.Usage or ExitCode.NotFound, run.ToString());
        Assert.Contains(said, run.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void What_identifies_a_repository_cannot_be_set_and_is_shown_by_the_hinted_command()
    {
        var run = InProcessCli.Run("repo", "config", "set", "project-code", new string('a', 40), "--force");

        Assert.Equal(ExitCode.Denied, run.Code);
        Assert.Contains("project-code identifies the repository and cannot be changed", run.Errors,
            StringComparison.Ordinal);
        Assert.Equal("edgesync repo info", run.Hint);
    }

    // No folder above /proc has a repository.
    [Test]
    public void A_commit_outside_of_any_repository_names_the_missing_repository()
    {
        Environment.CurrentDirectory = "/proc";

        var run = InProcessCli.Run("repo", "ci", "-m", "x");

        Assert.Equal(ExitCode.NotFound, run.Code);
        Assert.Contains("no repository in /proc or above", run.Errors, StringComparison.Ordinal);
        Assert.Equal("name one: -R FILE", run.Hint);
    }

    [Test]
    public void A_checkin_is_printed_by_its_whole_hash()
    {
        _folder.Write("f", "1");

        Assert.Matches("^checkin [0-9a-f]{64}\n$", Ok("repo", "ci", "-m", "x", "f", "--user", "root"));
    }

    [Test]
    public void Passwords_of_all_commands_have_one_form()
    {
        string[] outputs = [
            Ok("repo", "new", "b.fossil", "--json"),
            Ok("repo", "user", "add", "bob", "--cap", "oi", "-R", "a.fossil", "--json"),
            Ok("repo", "user", "passwd", "bob", "-R", "a.fossil", "--json")];

        Assert.All(outputs, output =>
        {
            using var report = System.Text.Json.JsonDocument.Parse(output);
            Assert.Matches("^[a-zA-Z2-9]{16}$", report.RootElement.GetProperty("password").GetString());
        });
    }

    [Test]
    public void A_hub_without_a_file_is_a_fossil_file_in_the_state_folder()
    {
        var before = Environment.GetEnvironmentVariable("STATE_DIRECTORY");
        try
        {
            Environment.SetEnvironmentVariable("STATE_DIRECTORY", _folder["state"]);

            var run = InProcessCli.Run("hub", "serve");

            Assert.True(File.Exists(Path.Combine(_folder["state"], "hub.fossil")), run.ToString());
        }
        finally
        {
            Environment.SetEnvironmentVariable("STATE_DIRECTORY", before);
        }
    }

    [Test]
    [Arguments("*:8080", null, true)]
    [Arguments("0.0.0.0:8080", null, true)]
    [Arguments("*:8443", "cert.pem", false)]
    [Arguments("127.0.0.1:8080", null, false)]
    [Arguments(":8080", null, false)]
    public void A_web_port_without_tls_for_other_machines_is_a_warning(
        string listen, string? certificate, bool isWarned)
    {
        var warning = SettingsCheck.OpenWeb(new HttpSection { Listen = listen, TlsCert = certificate });

        Assert.Equal(isWarned, warning is not null);
        if (isWarned) Assert.Contains("without TLS", warning, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("--push", true)]
    [Arguments("--push=true", true)]
    [Arguments("--push=yes", true)]
    [Arguments("--push=false", false)]
    [Arguments("--no-push", false)]
    public void A_switch_has_every_form_in_its_help(string word, bool isOn)
    {
        var parse = CommandLine.Parse(["leaf", word], Output.To(Stream.Null, Stream.Null, isJson: false));
        var flag = NodeFlags.Leaf.Single(f => f.Name == "--push");

        var value = FlagOption.Of(flag)
            .Read(new CommandContext(parse, Output.To(Stream.Null, Stream.Null, isJson: false)));

        Assert.Equal([("", isOn ? "true" : "false")], value!.Values);
    }

    [Test]
    public void Config_show_lists_the_defaults_of_a_hub()
    {
        var run = InProcessCli.Run("config", "show", "--effective");

        Assert.Matches("hub.nobody_caps +\"gio\" +\\(default\\)", run.Output);
    }

    [Test]
    public void An_empty_nats_address_means_no_hub()
    {
        var parse = CommandLine.Parse(["leaf", "--nats", ""], Output.To(Stream.Null, Stream.Null, isJson: false));
        var flag = NodeFlags.Leaf.Single(f => f.Name == "--nats");

        var value = FlagOption.Of(flag)
            .Read(new CommandContext(parse, Output.To(Stream.Null, Stream.Null, isJson: false)));

        Assert.True(value!.IsList);
        Assert.Empty(value.Values);
    }

    [Test]
    public void Control_characters_of_others_are_shown_not_obeyed()
    {
        using (var repository = Repository.Open("a.fossil", RepositoryOptions.Default))
        {
            using var transaction = repository.Begin();
            repository.Settings.Set("project-name", "bell\a \u001b]0;title\u0007 \u009b31m");
            transaction.Commit();
        }

        var run = InProcessCli.Run("repo", "config", "get", "project-name");

        Assert.Equal("bell\\x07 \\x1b]0;title\\x07 \\x9b31m\n", run.Output);
        Assert.DoesNotContain(InProcessCli.Run("repo", "info", "a.fossil").Output, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain(InProcessCli.Run("repo", "cat", "no\u001b[2Jname").Errors, c =>
            char.IsControl(c) && c != '\n');
    }

    [Test]
    [Arguments("", "is empty: the settings are one JSON object")]
    [Arguments("{ \"node\": {", "the file ends before all braces and brackets are closed")]
    [Arguments("{ \"node\": { \"nmae\": \"x\" } }", "unknown setting 'node.nmae'; did you mean node.name?")]
    [Arguments("{ \"repositories\": [ { \"path\": \"missing.fossil\" } ] }", "missing.fossil does not exist")]
    public void A_settings_file_is_checked_in_plain_words(string text, string said)
    {
        _folder.Write("edgesync.json", text);

        var run = InProcessCli.Run("config", "validate", "--config", "edgesync.json");

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(said, run.Output + run.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_settings_file_that_sets_nothing_is_reported()
    {
        _folder.Write("edgesync.json", "{}");

        Assert.Contains("is valid and sets nothing", Ok("config", "validate", "--config", "edgesync.json"),
            StringComparison.Ordinal);
    }

    [Test]
    public void A_manual_page_is_made_from_the_tree()
    {
        var page = Ok("man");

        Assert.StartsWith(".TH EDGESYNC 1", page, StringComparison.Ordinal);
        Assert.All(InProcessCli.Leaves(InProcessCli.Tree()), l =>
            Assert.Contains($".SS edgesync {string.Join(' ', l.Path)}"
            .Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal));
    }

    [Test]
    [Arguments("edgesync leaf --nats", "--nats-bind")]
    [Arguments("edgesync leaf --nats-role ", "hub")]
    [Arguments("edgesync leaf --log-level de", "debug")]
    [Arguments("edgesync leaf --no-p", "--no-push")]
    [Arguments("edgesync repo timeline --branch ", "trunk")]
    [Arguments("edgesync repo timeline -t ", "ci")]
    [Arguments("edgesync repo br ", "close")]
    [Arguments("edgesync completion ", "zsh")]
    [Arguments("edgesync repo co t", "trunk")]
    public void Completion_offers_what_fits(string line, string offered) =>
        Assert.Contains(offered, Ok($"[suggest:{line.Length}]", line).Split('\n'));

    [Test]
    [
        Arguments(
            "https", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "answers plain HTTP",
            "use http://127.0.0.1:")]
    [
        Arguments(
            "http", "INFO {\"server_id\":\"N\",\"version\":\"2.10\"}\r\n", "is a NATS server, not a Fossil server",
            "edgesync leaf --nats nats://127.0.0.1:")]
    [Arguments("http", "SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP", "check the address and the port")]
    public async Task What_answers_at_the_address_is_named(string scheme, string answer, string said, string hint)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var server = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync(TestContext.Current!.Execution.CancellationToken);
            using var stream = client.GetStream();
            await stream.ReadExactlyAsync(new byte[1], TestContext.Current!.Execution.CancellationToken);
            await stream.WriteAsync(
                System.Text.Encoding.ASCII.GetBytes(answer), TestContext.Current!.Execution.CancellationToken);
            client.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            try
            {
                await stream.CopyToAsync(Stream.Null, TestContext.Current!.Execution.CancellationToken);
            }
            catch (IOException)
            {
                // The client has seen enough.
            }
        }, TestContext.Current!.Execution.CancellationToken);

        var run = InProcessCli.Run("repo", "clone", $"{scheme}://{listener.LocalEndpoint}/", "c.fossil");

        Assert.Equal(ExitCode.Protocol, run.Code);
        Assert.Contains(said, run.Errors, StringComparison.Ordinal);
        Assert.StartsWith(hint, run.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("again in", run.Errors, StringComparison.Ordinal);
        await server;
    }

    [Test]
    public void An_unreachable_address_is_tried_four_times_with_growing_pauses()
    {
        var run = InProcessCli.Run("repo", "clone", "http://127.0.0.1:1/", "c.fossil");

        Assert.Equal(ExitCode.Unavailable, run.Code);
        Assert.Equal(["0.2", "0.5", "1.0"],
            System.Text.RegularExpressions.Regex.Matches(run.Errors, @"again in ([0-9.]+) s")
            .Select(m => m.Groups[1].Value));
        Assert.DoesNotContain("kept", run.Errors, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("repo info -R notes.txt", 2, "notes.txt is not a Fossil repository: it is not an SQLite database")]
    [Arguments("repo info -R missing.fossil", 3, "missing.fossil does not exist")]
    [Arguments("repo clone http://127.0.0.1:1/ folder", 5, "folder is a folder, and a new file is needed")]
    [Arguments("repo hash folder", 1, "folder is a folder, and a file is needed")]
    [Arguments("leaf --repo a.fossil --serve-http :0 --tls-cert missing.pem", 3, "missing.pem does not exist")]
    public void A_file_that_does_not_do_is_named_in_plain_words(string line, int code, string said)
    {
        _folder.Write("notes.txt", new string('x', 500));
        _folder.Folder("folder");

        var run = InProcessCli.Run(line.Split(' '));

        Assert.Equal(code, (int)run.Code);
        Assert.Contains(said, run.Errors, StringComparison.Ordinal);
        Assert.NotNull(run.Hint);
    }

    private long Blobs()
    {
        using var repository = Repository.Open("a.fossil", RepositoryOptions.ReadOnly);
        return repository.Database.QueryInt64("SELECT count(*) FROM blob");
    }

    private static string Ok(params string[] args)
    {
        var run = InProcessCli.Run(args);
        Assert.True(run.Code == ExitCode.Ok, run.ToString());
        return run.Output;
    }

    private static string Refused(params string[] args)
    {
        var run = InProcessCli.Run(args);
        Assert.True(run.Code == ExitCode.Usage, run.ToString());
        return run.Errors;
    }
}
