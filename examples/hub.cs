#:package EdgeSync.Node@0.1.0
#:property PublishAot=false

// A hub for a test: in this process, on free ports, gone when it is disposed.
using EdgeSync.Node.Host;

var folder = Directory.CreateTempSubdirectory().FullName;
await using var hub = await Hub.StartAsync(
    new HubOptions { Repository = Path.Combine(folder, "hub.fossil"), NobodyCapabilities = "gio" }, default);
await hub.Ready;
hub.Repository.Commit(new CheckinRequest
{
    User = "hub",
    Comment = "what the test needs",
    Files = new Dictionary<string, ReadOnlyMemory<byte>> { ["fixture.txt"] = "42\n"u8.ToArray() },
});
Console.WriteLine($"fossil clone {hub.HttpUrl} copy.fossil");
Console.WriteLine($"edgesync leaf -R copy.fossil --clone-from {hub.HttpUrl} --nats {hub.LeafnodeUrl}");

var path = Path.Combine(folder, "copy.fossil");
await SyncClient.CloneAsync(hub.HttpUrl, path, options: null, default);
Console.WriteLine($"cloned: {HostedRepository.Open(path).Resolve("tip").Comment}");
