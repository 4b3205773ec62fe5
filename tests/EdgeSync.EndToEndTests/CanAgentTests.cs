using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Asset stores and their agents as programs: two of each, joined by a ticket.</summary>
public sealed class CanAgentTests
{
    [Test]
    public async Task Two_services_with_agents_are_mirrors_and_a_kill_of_any_of_the_four_loses_nothing()
    {
        using var folder = new EdgeSyncProgram();
        var ticket = folder["ticket"];
        using var one = new Side($"ticket_file: {ticket}\n");
        using var two = new Side($"connect_ticket_file: {ticket}\n");
        var expected = new List<string>();

        expected.AddRange(one.Put(1));
        expected.AddRange(two.Put(5));
        await UntilEqualAsync(one, two, expected);
        foreach (var restart in (Action[])[one.RestartAgent, two.RestartService, two.RestartAgent, one.RestartService])
        {
            expected.AddRange(one.Put(3));
            expected.AddRange(two.Put(3));
            restart();
        }

        await UntilEqualAsync(one, two, expected);
        one.Run("rm", expected[0]);
        await Patience.UntilAsync(
            () => File.Exists(Directory.GetFiles(two.Program["can_data/.trash"]).FirstOrDefault()),
            TimeSpan.FromMinutes(1), () => two.Log);
        Assert.Equal(one.Contents(), two.Contents());
        Assert.False(Directory.EnumerateFiles(one.Program["agent.agent"], "*_*").Any());
    }

    [Test]
    public void Settings_that_cannot_work_are_refused_with_what_to_set()
    {
        using var program = new EdgeSyncProgram();
        program.Write("agent.yaml", "sync_passphrase: one for all\n");
        var noKey = program.Start("can", "sync", "agent.yaml").Run();
        Assert.Contains("sync_api_key", noKey.Text);
        Assert.Equal(2, noKey.ExitCode);

        using var side = new Side("");
        program.Write(
            "agent.yaml", $"sync_passphrase: one for all\nsync_api_key: wrong\ncan_service_url: {side.Url}\n");
        var wrongKey = program.Start("can", "sync", "agent.yaml").Run();
        Assert.Contains("401", wrongKey.Text);
        Assert.Contains("sync_api_key", wrongKey.Text);
    }

    private static Task UntilEqualAsync(Side one, Side two, List<string> expected) => Patience.UntilAsync(
        () => one.Contents().Keys.Order(StringComparer.Ordinal).SequenceEqual(expected.Order(StringComparer.Ordinal))
            && two.Contents().SequenceEqual(one.Contents()),
        TimeSpan.FromMinutes(2), () => one.Log + two.Log);

    /// <summary>A service and its agent.</summary>
    private sealed class Side : IDisposable
    {
        private static int s_files;

        private readonly string _port;
        private RunningProgram _service;
        private RunningProgram _agent;

        public Side(string settings)
        {
            Program.Write("config.yaml", "sync_api_key: k\n");
            (_service, Url) = BeginService("0");
            _port = new Uri(Url).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
            Program.Write(
                "agent.yaml",
                $"can_service_url: {Url}\nsync_api_key: k\nsync_passphrase: one for all\npoll_interval_secs: 30\n"
                    + $"sync_discovery: off\nsync_bind: 127.0.0.1:0\n{settings}");
            _agent = BeginAgent();
        }

        public EdgeSyncProgram Program { get; } = new();

        public string Url { get; }

        public string Log => _service.TextSoFar + _agent.TextSoFar;

        public void RestartService()
        {
            _service.Kill();
            _service.Dispose();
            (_service, _) = BeginService(_port);
        }

        public void RestartAgent()
        {
            _agent.Kill();
            _agent.Dispose();
            _agent = BeginAgent();
        }

        /// <summary>Puts files whose contents no other store of the test has.</summary>
        public IReadOnlyList<string> Put(int count)
        {
            var files = new List<string>();
            for (var i = 0; i < count; i++)
            {
                var number = Interlocked.Increment(ref s_files);
                var bytes = new byte[number % 3 == 0 ? 900_000 : 1000];
                new Random(number).NextBytes(bytes);
                var path = Program[$"file{number}.bin"];
                File.WriteAllBytes(path, bytes);
                files.Add(path);
            }

            var put = Program.Start(["can", "put", .. files, "--url", Url, "--json"]).Run().MustSucceed().Json();
            return [.. put.GetProperty("files").EnumerateArray().Select(f => f.GetProperty("hash").GetString()!)];
        }

        public void Run(params string[] arguments) =>
            Program.Start(["can", .. arguments, "--url", Url]).Run().MustSucceed();

        /// <summary>Every asset's hash, and the hash of its file's bytes, the trash included.</summary>
        public SortedDictionary<string, string> Contents()
        {
            var contents = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var folder in (string[])["can_data", "can_data/.trash"])
            {
                foreach (var file in Directory.GetFiles(Program[folder], "*_*"))
                {
                    contents[Path.GetFileName(file).Split('_', '.')[1]] =
                        Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));
                }
            }

            return contents;
        }

        public void Dispose()
        {
            _agent.Dispose();
            _service.Dispose();
            Program.Dispose();
        }

        private (RunningProgram Service, string Url) BeginService(string port)
        {
            var service = Program.Start(["can", "serve", "--port", port, "--json"]).Begin();
            var line = service.ReadLine(TimeSpan.FromSeconds(60));
            Assert.True(line is not null, service.TextSoFar);
            using var started = JsonDocument.Parse(line);
            return (service, started.RootElement.GetProperty("url").GetString()!);
        }

        private RunningProgram BeginAgent()
        {
            var agent = Program.Start(["can", "sync", "agent.yaml", "--json"]).Begin();
            var line = agent.ReadLine(TimeSpan.FromSeconds(60));
            Assert.True(line is not null, agent.TextSoFar);
            using var started = JsonDocument.Parse(line);
            Assert.Equal("mirroring", started.RootElement.GetProperty("event").GetString());
            return agent;
        }
    }
}
