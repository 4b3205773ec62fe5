using EdgeSync.Node.Host;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// The node as a library: this project sees its public members only. The example of src/EdgeSync.Node/README.md is
/// compiled and run here.
/// </summary>
[NotInParallel]   // the folder of saved nodes is an environment variable
public sealed class NodeLibraryTests : IDisposable
{
    private static readonly string[] s_variables = ["STATE_DIRECTORY", "RUNTIME_DIRECTORY"];

    private readonly TemporaryFolder _folder = new("library");
    private readonly Dictionary<string, string?> _before = s_variables.ToDictionary(
        name => name, Environment.GetEnvironmentVariable);

    public NodeLibraryTests()
    {
        foreach (var name in s_variables) Environment.SetEnvironmentVariable(name, _folder[name]);
    }

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    public void Dispose()
    {
        foreach (var (name, value) in _before) Environment.SetEnvironmentVariable(name, value);
        _folder.Dispose();
    }

    [Test]
    public async Task A_program_starts_a_node_commits_syncs_and_stops()
    {
        var server = _folder["server.fossil"];
        using (Repository.Create(server, new RepositoryCreateOptions { NobodyCapabilities = "gio" }))
        {
        }

        await using var upstream = await NodeHost.StartAsync(
            new NodeSettings
            {
                Node = { Name = "server" },
                Http = { Listen = "127.0.0.1:0" },
                Nats = { Enabled = false },
                Repositories = [new RepositorySettings { Path = server }],
            },
            options: null, Cancellation);

        var state = await RunAsync(_folder["copy.fossil"], upstream.Addresses["http"], Cancellation);

        Assert.Equal(SyncState.InSync, state);
        var status = await upstream.StatusAsync(Cancellation);
        Assert.Equal("server", status.Node);
        Assert.Equal(2, status.Repositories.Single().Checkins);   // with the first, empty one
        Assert.Equal(_folder["server.fossil"], upstream.Repositories.Single());
    }

    // The example of the README.
    private static async Task<SyncState> RunAsync(
        string path, string server, CancellationToken cancellationToken)
    {
        var settings = new NodeSettings
        {
            Node = { Name = "laptop" },
            Nats = { Enabled = false },
            Repositories = [new RepositorySettings { Path = path, CloneFrom = server, Peers = [server] }],
        };
        await using var node = await NodeHost.StartAsync(
            settings, new NodeHostOptions { Log = Console.Error }, cancellationToken);
        await node.Ready.WaitAsync(cancellationToken);

        using (var repository = Repository.Open(path))
        {
            repository.Commit(new CommitOptions
            {
                User = "ann",
                Comment = "hello",
                FollowsBranch = true,
                Changes = [FileChange.Put("hello.txt", "hello\n"u8.ToArray())],
            });
        }

        node.NotifyChanged(path);
        foreach (var result in await node.SyncAsync(path, cancellationToken))
            Console.Error.WriteLine($"{result.Target}: {result.Status} {result.Reason}");

        var status = await node.StatusAsync(cancellationToken);
        return SyncVerdict.Of(status.Repositories[0], status).State;
    }

    [Test]
    public async Task A_hub_and_a_leaf_in_one_program_see_each_others_check_ins()
    {
        await using var hub = await Hub.StartAsync(
            new HubOptions { Repository = _folder["hub.fossil"], NobodyCapabilities = "gio" }, Cancellation);
        await hub.Ready.WaitAsync(Cancellation);
        var first = hub.Repository.Commit(new CheckinRequest
        {
            User = "ann",
            Comment = "from the hub",
            Files = new Dictionary<string, ReadOnlyMemory<byte>> { ["run.sh"] = "#!/bin/sh\n"u8.ToArray() },
            Executable = ["run.sh"],
            Tags = ["v1"],
        });
        await using var leaf = await LeafAgent.StartAsync(
            new LeafAgentOptions
            {
                Repository = _folder["leaf.fossil"],
                CloneFrom = hub.HttpUrl,
                Peers = [hub.HttpUrl],
                NatsUrls = [hub.LeafnodeUrl!],
            },
            Cancellation);
        await leaf.Ready.WaitAsync(Cancellation);

        Assert.Equal(first, leaf.Repository.Resolve("v1"));
        Assert.Equal(
            new CheckinFile("run.sh", leaf.Repository.ListFiles("tip")[0].Hash, IsExecutable: true, IsLink: false),
            Assert.Single(leaf.Repository.ListFiles("tip")));
        await using var arriving = hub.Repository.WatchAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        var second = leaf.Repository.Commit(new CheckinRequest
        {
            User = "bob",
            Comment = "from the leaf",
            Files = new Dictionary<string, ReadOnlyMemory<byte>> { ["a.txt"] = "one\n"u8.ToArray() },
            Removed = ["run.sh"],
        });

        Assert.True(await arriving.MoveNextAsync());
        Assert.Equal(second, arriving.Current);
        Assert.Equal("one\n"u8.ToArray(), hub.Repository.ReadFile("tip", "a.txt"));
        Assert.Equal([second.Hash, first.Hash], hub.Repository.Timeline(2).Select(c => c.Hash));
        var difference = hub.Repository.Diff("v1", "tip");
        Assert.Contains("--- /dev/null\n+++ a.txt\n", difference, StringComparison.Ordinal);
        Assert.Contains("--- run.sh\n+++ /dev/null\n", difference, StringComparison.Ordinal);
        Assert.Contains("\n+one\n", difference, StringComparison.Ordinal);
        // On a busy machine the verdict was Behind once after a single sync.
        var verdict = await Synced(leaf);
        for (var i = 0; i < 20 && verdict.State != SyncState.InSync; i++) verdict = await Synced(leaf);
        Assert.Equal(SyncState.InSync, verdict.State);

        async Task<SyncVerdict> Synced(LeafAgent agent)
        {
            await agent.SyncAsync(Cancellation);
            return await agent.VerdictAsync(Cancellation);
        }
    }

    [Test]
    public async Task A_program_clones_and_syncs_once_with_a_login()
    {
        await using var hub = await Hub.StartAsync(
            new HubOptions { Repository = _folder["hub.fossil"], NatsBind = null }, Cancellation);
        hub.Repository.SetCapabilities("nobody", "");
        var password = hub.Repository.EnsureUser("carl", "gio");
        Assert.NotNull(password);
        Assert.Null(hub.Repository.EnsureUser("carl", "s"));
        var path = _folder["copy.fossil"];

        var refused = await Assert.ThrowsAsync<EdgeSyncException>(
            () => SyncClient.CloneAsync(hub.HttpUrl, path, options: null, Cancellation));
        Assert.Equal(ErrorKind.Denied, refused.Kind);
        var login = new SyncClientOptions { User = "carl", Password = password };
        var cloned = await SyncClient.CloneAsync(hub.HttpUrl, path, login, Cancellation);
        Assert.True(cloned.ArtifactsReceived > 0);
        var copy = HostedRepository.Open(path);
        var made = copy.Commit(new CheckinRequest
        {
            User = "carl",
            Files = new Dictionary<string, ReadOnlyMemory<byte>> { ["x"] = "x"u8.ToArray() },
        });

        // Address and password are remembered.
        var synced = await SyncClient.SyncAsync(path, url: null, options: null, Cancellation);

        Assert.Equal(2, synced.ArtifactsSent);
        Assert.Equal(made, hub.Repository.Resolve(made.Hash));
        Assert.Equal(0, (await SyncClient.PullAsync(path, url: null, options: null, Cancellation)).ArtifactsReceived);
        copy.SetSetting("project-description", "a copy");
        Assert.Equal("a copy", copy.GetSetting("project-description"));
        Assert.Equal(hub.Repository.ProjectCode, copy.ProjectCode);
    }

    /// <summary>
    /// Hubs come and go in one process: sockets, files and threads of each end with it. EDGESYNC_HUB_STARTS asks for
    /// more of them.
    /// </summary>
    [Test]
    public async Task A_hub_that_ends_leaves_nothing_open()
    {
        var starts = int.Parse(
            Environment.GetEnvironmentVariable("EDGESYNC_HUB_STARTS") ?? "24",
            System.Globalization.CultureInfo.InvariantCulture);
        var options = new HubOptions { Repository = _folder["hub.fossil"], NobodyCapabilities = "gio" };
        for (var i = 0; i < 4; i++) await StartAndStopAsync();
        var (files, before) = (OpenFiles(), Memory());
        for (var i = 0; i < starts; i++) await StartAndStopAsync();

        // A leak would be one for each start; what the runtime and the test platform do meanwhile is less.
        Assert.InRange(OpenFiles(), 0, files + (starts / 4));
        Assert.InRange(Memory() - before, long.MinValue, (4 << 20) + (starts * 2048L));

        async Task StartAndStopAsync()
        {
            await using var hub = await Hub.StartAsync(options, Cancellation);
            await hub.Ready.WaitAsync(Cancellation);
            Assert.NotEqual("", hub.Repository.ProjectCode);
        }

        // Sockets, watches, and files of the repository. Libraries are loaded when they are first needed, and pipes
        // lead to the programs of other tests.
        int OpenFiles() => !OperatingSystem.IsLinux() ? 0
            : Directory.GetFiles("/proc/self/fd").Select(file => new FileInfo(file).LinkTarget ?? "").Count(
                target => target.StartsWith("socket:", StringComparison.Ordinal)
                    || target.StartsWith("anon_inode:", StringComparison.Ordinal)
                    || target.StartsWith(_folder.Path, StringComparison.Ordinal));

        static long Memory() => GC.GetTotalMemory(forceFullCollection: true);
    }

    [Test]
    public async Task A_second_machine_joins_by_code()
    {
        var path = _folder["work.fossil"];
        using (Repository.Create(path, new RepositoryCreateOptions()))
        {
        }

        var saved = new SavedNode(path);
        Assert.False(saved.Exists);
        saved.Prepare();
        await using var first = await NodeHost.StartAsync(saved.Load(), options: null, Cancellation);
        var code = saved.CreateJoinCode(TimeSpan.FromHours(1));

        var joined = await SavedNode.JoinAsync(code, _folder["copy.fossil"], Cancellation);
        await using var second = await NodeHost.StartAsync(joined.Load(), options: null, Cancellation);
        await second.Ready.WaitAsync(Cancellation);

        Assert.True(joined.IsJoined);
        Assert.Equal(second.NodeId, joined.NodeId);
        await second.SyncAsync(repository: null, Cancellation);
        var status = (await second.StatusAsync(Cancellation)).Repositories.Single();
        Assert.Equal(1, status.Checkins);
        Assert.Contains(status.Targets, t => t is { Sessions: > 0, LastTriedAt: not null });
        var again = await Assert.ThrowsAsync<EdgeSyncException>(
            () => SavedNode.JoinAsync(code, _folder["third.fossil"], Cancellation));
        Assert.Equal(ErrorKind.Denied, again.Kind);
        var damaged = await Assert.ThrowsAsync<EdgeSyncException>(
            () => SavedNode.JoinAsync("http://host", _folder["third.fossil"], Cancellation));
        Assert.Equal(ErrorKind.Usage, damaged.Kind);
    }

    [Test]
    public async Task A_wrong_setting_is_named_and_nothing_runs()
    {
        var error = await Assert.ThrowsAsync<EdgeSyncException>(() => NodeHost.StartAsync(
            new NodeSettings { Nats = { Bind = "not an address" } }, options: null, Cancellation));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.StartsWith("nats.bind: ", error.Message, StringComparison.Ordinal);
        var missing = await Assert.ThrowsAsync<EdgeSyncException>(() => NodeHost.StartAsync(
            new NodeSettings { Repositories = [new RepositorySettings { Path = _folder["none.fossil"] }] },
            options: null, Cancellation));
        Assert.Equal(ErrorKind.NotFound, missing.Kind);
    }

    [Test]
    public void The_example_of_the_README_is_this_code()
    {
        var readme = File.ReadAllText(Path.Combine(Vectors.RepositoryRoot, "src", "EdgeSync.Node", "README.md"));
        var example = readme.Split("```csharp\n")[1].Split("```")[0];
        var source = File.ReadAllText(
            Path.Combine(Vectors.RepositoryRoot, "tests", "EdgeSync.EndToEndTests", $"{nameof(NodeLibraryTests)}.cs"));
        var lines = source.Split('\n').Select(l => l.StartsWith("        ", StringComparison.Ordinal) ? l[8..] : l);

        Assert.Contains(example, string.Join('\n', lines), StringComparison.Ordinal);
    }
}
