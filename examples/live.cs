#:package EdgeSync.Node@0.1.0
#:property PublishAot=false

// Prints check-ins of others in the moment they arrive: a leaf joins a hub by NATS, and the hub's commits are
// announced to it.
using EdgeSync.Node.Host;

var folder = Directory.CreateTempSubdirectory().FullName;
await using var hub = await Hub.StartAsync(
    new HubOptions { Repository = Path.Combine(folder, "hub.fossil"), NobodyCapabilities = "gio" }, default);
await using var leaf = await LeafAgent.StartAsync(
    new LeafAgentOptions
    {
        Repository = Path.Combine(folder, "leaf.fossil"),
        CloneFrom = hub.HttpUrl,
        NatsUrls = [hub.LeafnodeUrl!],
    },
    default);
await leaf.Ready;

var arriving = leaf.Repository.WatchAsync(default).GetAsyncEnumerator();
for (var i = 1; i <= 3; i++)
{
    hub.Repository.Commit(new CheckinRequest
    {
        User = "hub",
        Comment = $"commit {i}",
        Files = new Dictionary<string, ReadOnlyMemory<byte>> { ["counter.txt"] = new[] { (byte)('0' + i) } },
    });
    await arriving.MoveNextAsync();
    Console.WriteLine($"arrived: {arriving.Current.Comment} by {arriving.Current.User}");
}
