using System.Text.Json;
using System.Text.RegularExpressions;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A stranger joins a second machine with one code; who should not is refused with the reason.</summary>
public sealed partial class UpAndJoinTests
{
    [Test]
    public async Task One_code_joins_a_second_machine_which_stays_in_sync_over_restarts()
    {
        using var machines = new TwoMachines();
        using var first = Machine();
        using var second = Machine();

        var up = Running.Start(first, machines.On(1, "up", "work.fossil"));
        var lines = await up.ReadUntilAsync("edgesync join ");
        var code = CodeIn(lines);
        Assert.StartsWith("created work.fossil: ", lines[0], StringComparison.Ordinal);
        var join = Running.Start(second, machines.On(2, "join", code));
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
            using var third = Machine();
            var again = RunOn(third, machines, 2, "join", code);
            Assert.Equal(6, again.Code);
            Assert.Contains($"by {login}", again.Errors, StringComparison.Ordinal);
            Assert.False(File.Exists(third["work.fossil"]));

            // The first goes and comes back: gone is not in sync, and the same node is found again.
            up.Dispose();
            await UntilStatusAsync(second, 7);
            up = Running.Start(first, machines.On(1, "up", "work.fossil"));
            await up.ReadUntilAsync("edgesync join ");
            Commit(first, "c.txt");
            await UntilCheckinsAsync(second, 4);
            await UntilStatusAsync(second, 0);

            // So does the second.
            join.Dispose();
            Commit(second, "d.txt");
            join = Running.Start(second, machines.On(2, "up", "work.fossil"));
            await join.ReadUntilAsync(" serves ");
            await UntilCheckinsAsync(first, 5);

            // A login that is removed lets nobody in any more.
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
    public async Task A_node_with_another_key_is_refused_before_and_after_the_join()
    {
        using var machines = new TwoMachines();
        using var first = Machine();
        using var impostor = Machine();
        using var second = Machine();
        string code, unused;
        using (var up = Running.Start(first, machines.On(1, "up", "work.fossil")))
        {
            code = CodeIn(await up.ReadUntilAsync("edgesync join "));
            unused = CodeIn(RunOn(first, machines, 1, "repo", "invite", "-R", "work.fossil").Text.Split('\n')[..1]);
            using var joined = Running.Start(second, machines.On(2, "join", code));
            await joined.ReadUntilAsync("in sync with ");
        }

        // Who has the repository, the address and the ports, but not the key.
        File.Copy(first["work.fossil"], impostor["work.fossil"]);
        using var other = Running.Start(impostor, machines.On(1, "up", "work.fossil"));
        await other.ReadUntilAsync("edgesync join ");
        Commit(impostor, "forged.txt");

        using var third = Machine();
        var refused = RunOn(third, machines, 2, "join", unused);
        Assert.True(refused.Code == 6, refused.Errors);
        Assert.Contains("it has another key", refused.Errors, StringComparison.Ordinal);
        Assert.Single(
            impostor.Ok("repo", "user", "list", "-R", "work.fossil").Split('\n'),
            l => l.Contains("joined by code", StringComparison.Ordinal));

        using var again = Running.Start(second, machines.On(2, "up", "work.fossil"));
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
        using var first = Machine();
        using var second = Machine();
        string expired;
        using (var up = Running.Start(first, machines.On(1, "up", "work.fossil", "--ttl", "1ms")))
        {
            expired = CodeIn(await up.ReadUntilAsync("edgesync join "));
            var refused = RunOn(second, machines, 2, "join", expired);

            Assert.Equal(6, refused.Code);
            Assert.Contains("expired", refused.Errors, StringComparison.Ordinal);
        }

        // The token of a repository that was made anew under the same key.
        File.Delete(first["work.fossil"]);
        using var anew = Running.Start(first, machines.On(1, "up", "work.fossil"));
        await anew.ReadUntilAsync("edgesync join ");
        var unknown = RunOn(second, machines, 2, "join", expired);

        Assert.Equal(6, unknown.Code);
        Assert.Contains("unknown", unknown.Errors, StringComparison.Ordinal);
        Assert.False(
            Directory.Exists(second["state"])
            && Directory.EnumerateFiles(second["state"], "password", SearchOption.AllDirectories).Any());
    }

    [Test]
    public void A_damaged_code_and_other_text_have_different_errors()
    {
        using var machine = Machine();

        Assert.Contains("damaged", Refused(machine, "esjaeaqs"), StringComparison.Ordinal);
        Assert.Contains("not a join code", Refused(machine, "http://host:8080"), StringComparison.Ordinal);

        static string Refused(Edgesync machine, string code)
        {
            var outcome = machine.Run("join", code);
            Assert.Equal(2, outcome.Code);
            return outcome.Errors;
        }
    }

    [Test]
    public void Status_without_a_daemon_reports_it()
    {
        using var machine = Machine();
        machine.Ok("repo", "new", "a.fossil");

        var outcome = machine.Run("status", "a.fossil", "--json");

        Assert.Equal(3, outcome.Code);
        using var json = JsonDocument.Parse(outcome.Text);
        Assert.Equal("not_running", json.RootElement.GetProperty("status").GetString());
        Assert.Equal("not_running", json.RootElement.GetProperty("repositories")[0].GetProperty("status").GetString());
        Assert.Contains("try: edgesync up a.fossil", machine.Run("status", "a.fossil").Text, StringComparison.Ordinal);
    }

    /// <summary>A machine of its own: home, state and sockets.</summary>
    private static Edgesync Machine()
    {
        var edgesync = new Edgesync();
        edgesync.Variables["RUNTIME_DIRECTORY"] = edgesync["run"];
        edgesync.Variables["STATE_DIRECTORY"] = edgesync["state"];
        return edgesync;
    }

    private static string CodeIn(IReadOnlyList<string> lines) => Code().Match(lines[^1]).Value;

    private static void Commit(Edgesync machine, string file)
    {
        machine.Write(file, file + "\n");
        machine.Ok("repo", "ci", "--nosync", "-R", "work.fossil", "-m", file, file);
    }

    private static Outcome RunOn(Edgesync machine, TwoMachines machines, int number, params string[] arguments)
    {
        var command = machines.On(number, arguments);
        using var process = machine.StartAs(command[0], command[1..]);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new Outcome(
            process.ExitCode, System.Text.Encoding.UTF8.GetBytes(output.GetAwaiter().GetResult()), errors);
    }

    private static async Task UntilCheckinsAsync(Edgesync machine, int count)
    {
        var patience = new Patience(TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(100));
        while (machine.Json(
            "repo", "timeline", "-R", "work.fossil").GetProperty("entries").GetArrayLength() is var found
            && found < count)
            await patience.LookAgainAsync(
                () => $"{count} check-ins, there are {found}: {machine.Run("status", "work.fossil").Text}",
                TestContext.Current!.Execution.CancellationToken);
    }

    private static Task<JsonElement> UntilStatusAsync(Edgesync machine, int code) => UntilAsync(machine, s => s, code);

    private static async Task<JsonElement> UntilAsync(
        Edgesync machine, Func<JsonElement, JsonElement?> wanted, int? code = null)
    {
        var patience = new Patience(TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(200));
        while (true)
        {
            var outcome = machine.Run("status", "work.fossil", "--json");
            if (outcome.Text.Length > 0 && (code is null || outcome.Code == code))
            {
                using var json = JsonDocument.Parse(outcome.Text);
                if (wanted(json.RootElement.Clone()) is { } found) return found;
            }

            await patience.LookAgainAsync(
                () => $"exit code {code}, it was {outcome.Code}: {outcome.Text}{outcome.Errors}",
                TestContext.Current!.Execution.CancellationToken);
        }
    }

    [GeneratedRegex("esj[a-z2-7]+")]
    private static partial Regex Code();
}
