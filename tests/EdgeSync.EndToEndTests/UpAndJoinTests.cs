using System.Text.Json;
using System.Text.RegularExpressions;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A second machine joins with one code; others are refused with the reason.</summary>
public sealed partial class UpAndJoinTests
{
    [Test]
    public async Task One_code_joins_a_second_machine_which_stays_in_sync_over_restarts()
    {
        using var machines = new TwoMachines();
        using var first = new EdgeSyncProgram();
        using var second = new EdgeSyncProgram();

        var up = first.BeginDaemon(machines.On(1, "up", "work.fossil"));
        var lines = await up.ReadUntilAsync("edgesync join ");
        var code = CodeIn(lines);
        Assert.StartsWith("created work.fossil: ", lines[0], StringComparison.Ordinal);
        var join = second.BeginDaemon(machines.On(2, "join", code));
        await join.ReadUntilAsync("in sync with ");

        try
        {
            Commit(first, "a.txt");
            await UntilCheckinsAsync(second, 2);
            Commit(second, "b.txt");
            await UntilCheckinsAsync(first, 3);
            await UntilStatusAsync(first, 0);
            var status = await UntilStatusAsync(second, 0);
            var peers = status.GetProperty("repositories")[0].GetProperty("peers").EnumerateArray().ToList();
            Assert.Contains(peers, p => p.GetProperty("route").GetString() == "nats");
            Assert.Contains(peers, p => p.GetProperty("route").GetString() == "http");

            // The login is one of the first machine's, and the second use of its code is refused.
            var login = first.Json("repo", "user", "list", "-R", "work.fossil").GetProperty("users").EnumerateArray()
                .Single(
                    u => u.TryGetProperty("info", out var info)
                    && info.GetString()!.StartsWith(
                        "joined by code", StringComparison.Ordinal)).GetProperty("login").GetString()!;
            using var third = new EdgeSyncProgram();
            var again = RunOn(third, machines, 2, "join", code);
            Assert.Equal(6, again.ExitCode);
            Assert.Contains($"by {login}", again.Errors, StringComparison.Ordinal);
            Assert.False(File.Exists(third["work.fossil"]));

            // The first goes and comes back: gone is not in sync, and the same node is found again.
            up.Dispose();
            await UntilStatusAsync(second, 7);
            up = first.BeginDaemon(machines.On(1, "up", "work.fossil"));
            await up.ReadUntilAsync("edgesync join ");
            Commit(first, "c.txt");
            await UntilCheckinsAsync(second, 4);
            await UntilStatusAsync(second, 0);

            // So does the second.
            join.Dispose();
            Commit(second, "d.txt");
            join = second.BeginDaemon(machines.On(2, "up", "work.fossil"));
            await join.ReadUntilAsync(" serves ");
            await UntilCheckinsAsync(first, 5);

            // A login that is removed is refused.
            first.Ok("repo", "user", "rm", login, "-R", "work.fossil");
            await UntilStatusAsync(second, 6);
        }
        finally
        {
            join.Dispose();
            up.Dispose();
        }
    }

    [Test]
    public async Task Joined_machines_sync_with_each_other_and_one_whose_login_is_removed_joins_again()
    {
        using var machines = new TwoMachines();
        using var first = new EdgeSyncProgram();
        using var second = new EdgeSyncProgram();
        using var third = new EdgeSyncProgram();
        using var up = first.BeginDaemon(machines.On(1, "up", "work.fossil"));
        var code = CodeIn(await up.ReadUntilAsync("edgesync join "));
        using var join = second.BeginDaemon(machines.On(2, "join", code));
        await join.ReadUntilAsync("in sync with ");
        using var another = third.BeginDaemon(machines.On(2, "join", NewCode(first, machines)));
        await another.ReadUntilAsync("in sync with ");

        Commit(second, "of-second.txt");
        await UntilCheckinsAsync(third, 2);
        Commit(third, "of-third.txt");
        await UntilCheckinsAsync(second, 3);
        await UntilCheckinsAsync(first, 3);
        foreach (var machine in (EdgeSyncProgram[])[first, second, third]) await UntilStatusAsync(machine, 0);

        // Two logins, one each; the second machine's is removed.
        var settings = JsonDocument.Parse(File.ReadAllText(SettingsFileOf(second))).RootElement;
        var login = settings.GetProperty("repositories")[0].GetProperty("user").GetString()!;
        first.Ok("repo", "user", "rm", login, "-R", "work.fossil");
        var refused = (await UntilStatusAsync(second, 6)).GetProperty("repositories")[0];
        Assert.Equal("refused", refused.GetProperty("status").GetString());
        Assert.Contains(
            $"edgesync join CODE {second["work.fossil"]}", refused.GetProperty("hint").GetString(),
            StringComparison.Ordinal);
        Commit(third, "without-second.txt");
        await UntilCheckinsAsync(first, 4);
        await UntilStatusAsync(third, 0);
        Assert.Equal(3, CheckinsOf(second));

        // A new code and the same file: the running daemon takes the new login over.
        var renewed = RunOn(second, machines, 2, "join", NewCode(first, machines), "--json").MustSucceed().Json();
        Assert.Equal("renewed", renewed.GetProperty("status").GetString());
        await UntilCheckinsAsync(second, 4);
        await UntilStatusAsync(second, 0);
        Assert.Equal(
            settings.GetProperty("http").GetRawText(),
            JsonDocument.Parse(File.ReadAllText(SettingsFileOf(second))).RootElement.GetProperty("http").GetRawText());
    }

    [Test]
    public async Task A_node_with_another_key_is_refused_before_and_after_the_join()
    {
        using var machines = new TwoMachines();
        using var first = new EdgeSyncProgram();
        using var impostor = new EdgeSyncProgram();
        using var second = new EdgeSyncProgram();
        string code, unused;
        using (var up = first.BeginDaemon(machines.On(1, "up", "work.fossil")))
        {
            code = CodeIn(await up.ReadUntilAsync("edgesync join "));
            unused = NewCode(first, machines);
            using var joined = second.BeginDaemon(machines.On(2, "join", code));
            await joined.ReadUntilAsync("in sync with ");
        }

        // An impostor with the repository, the address and the ports, but not the key.
        File.Copy(first["work.fossil"], impostor["work.fossil"]);
        using var other = impostor.BeginDaemon(machines.On(1, "up", "work.fossil"));
        await other.ReadUntilAsync("edgesync join ");
        Commit(impostor, "forged.txt");

        using var third = new EdgeSyncProgram();
        var refused = RunOn(third, machines, 2, "join", unused);
        Assert.True(refused.ExitCode == 6, refused.Errors);
        Assert.Contains("it has another key", refused.Errors, StringComparison.Ordinal);
        Assert.Single(
            impostor.Ok("repo", "user", "list", "-R", "work.fossil").Split('\n'),
            l => l.Contains("joined by code", StringComparison.Ordinal));

        using var again = second.BeginDaemon(machines.On(2, "up", "work.fossil"));
        await again.ReadUntilAsync(" serves ");
        var status = await UntilAsync(
            second, s => s.GetRawText().Contains("another key", StringComparison.Ordinal) ? s : null);
        Assert.NotEqual("in_sync", status.GetProperty("status").GetString());
        var tls = await UntilAsync(
            second, s => s.GetProperty("daemons")[0].TryGetProperty("reason", out var why)
            && why.GetString()!.StartsWith("nats: ", StringComparison.Ordinal) ? s : null);
        Assert.Equal(1, second.Json("repo", "timeline", "-R", "work.fossil").GetProperty("entries").GetArrayLength());
        Assert.DoesNotContain("in_sync", tls.GetProperty("repositories")[0].GetRawText(), StringComparison.Ordinal);
    }

    [Test]
    public async Task An_expired_code_is_refused_as_such_and_a_wrong_one_as_unknown()
    {
        using var machines = new TwoMachines();
        using var first = new EdgeSyncProgram();
        using var second = new EdgeSyncProgram();
        string expired;
        using (var up = first.BeginDaemon(machines.On(1, "up", "work.fossil", "--ttl", "1ms")))
        {
            expired = CodeIn(await up.ReadUntilAsync("edgesync join "));
            var refused = RunOn(second, machines, 2, "join", expired);

            Assert.Equal(6, refused.ExitCode);
            Assert.Contains("expired", refused.Errors, StringComparison.Ordinal);
        }

        // The token of a repository that was created again under the same key.
        File.Delete(first["work.fossil"]);
        using var anew = first.BeginDaemon(machines.On(1, "up", "work.fossil"));
        await anew.ReadUntilAsync("edgesync join ");
        var unknown = RunOn(second, machines, 2, "join", expired);

        Assert.Equal(6, unknown.ExitCode);
        Assert.Contains("unknown", unknown.Errors, StringComparison.Ordinal);
        Assert.False(
            Directory.Exists(second["state"])
            && Directory.EnumerateFiles(second["state"], "password", SearchOption.AllDirectories).Any());
    }

    [Test]
    public void A_damaged_code_and_other_text_have_different_errors()
    {
        using var machine = new EdgeSyncProgram();

        Assert.Contains("damaged", Refused(machine, "esjaeaqs"), StringComparison.Ordinal);
        Assert.Contains("not a join code", Refused(machine, "http://host:8080"), StringComparison.Ordinal);

        static string Refused(EdgeSyncProgram machine, string code)
        {
            var outcome = machine.Try("join", code);
            Assert.Equal(2, outcome.ExitCode);
            return outcome.Errors;
        }
    }

    [Test]
    public void Status_without_a_daemon_reports_it()
    {
        using var machine = new EdgeSyncProgram();
        machine.Ok("repo", "new", "a.fossil");

        var outcome = machine.Try("status", "a.fossil", "--json");

        Assert.Equal(3, outcome.ExitCode);
        using var json = JsonDocument.Parse(outcome.Output);
        Assert.Equal("not_running", json.RootElement.GetProperty("status").GetString());
        Assert.Equal("not_running", json.RootElement.GetProperty("repositories")[0].GetProperty("status").GetString());
        Assert.Contains(
            "try: edgesync up a.fossil", machine.Try("status", "a.fossil").Output, StringComparison.Ordinal);
    }

    private static string NewCode(EdgeSyncProgram first, TwoMachines machines) =>
        CodeIn(RunOn(first, machines, 1, "repo", "invite", "-R", "work.fossil").MustSucceed().Output.Split('\n')[..1]);

    private static string SettingsFileOf(EdgeSyncProgram machine) =>
        Directory.EnumerateFiles(machine["state"], "edgesync.json", SearchOption.AllDirectories).Single();

    private static string CodeIn(IReadOnlyList<string> lines) => Code().Match(lines[^1]).Value;

    private static void Commit(EdgeSyncProgram machine, string file)
    {
        machine.Write(file, file + "\n");
        machine.Ok("repo", "ci", "--nosync", "-R", "work.fossil", "-m", file, file);
    }

    private static ProgramResult RunOn(
        EdgeSyncProgram machine, TwoMachines machines, int number, params string[] arguments)
    {
        var command = machines.On(number, arguments);
        return machine.StartAs(command[0], command.AsSpan(1)).Run();
    }

    private static async Task UntilCheckinsAsync(EdgeSyncProgram machine, int count)
    {
        var found = 0;
        await Patience.UntilAsync(
            () => (found = CheckinsOf(machine)) >= count,
            TimeSpan.FromMinutes(1),
            () => $"{count} check-ins, there are {found}: {machine.Try("status", "work.fossil").Output}",
            pause: TimeSpan.FromMilliseconds(100));
    }

    private static int CheckinsOf(EdgeSyncProgram machine) =>
        machine.Json("repo", "timeline", "-R", "work.fossil").GetProperty("entries").GetArrayLength();

    private static Task<JsonElement> UntilStatusAsync(EdgeSyncProgram machine, int code) =>
        UntilAsync(machine, s => s, code);

    private static async Task<JsonElement> UntilAsync(
        EdgeSyncProgram machine, Func<JsonElement, JsonElement?> wanted, int? code = null)
    {
        var patience = new Patience(TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(200));
        while (true)
        {
            var outcome = machine.Try("status", "work.fossil", "--json");
            if (outcome.Output.Length > 0 && (code is null || outcome.ExitCode == code))
            {
                using var json = JsonDocument.Parse(outcome.Output);
                if (wanted(json.RootElement.Clone()) is { } found) return found;
            }

            await patience.LookAgainAsync(
                () => $"exit code {code}, it was {outcome.ExitCode}: {outcome.Output}{outcome.Errors}",
                TestContext.Current!.Execution.CancellationToken);
        }
    }

    [GeneratedRegex("esj[a-z2-7]+")]
    private static partial Regex Code();
}
