#:package EdgeSync.Node@0.1.0
#:property PublishAot=false

// Clones a repository from any Fossil server, checks in, and sends that back, without a running node.
//   dotnet run sync.cs -- https://server/project LOGIN PASSWORD
// Without arguments it starts a hub of its own to talk to.
using EdgeSync.Node.Host;

var folder = Directory.CreateTempSubdirectory().FullName;
await using var hub = args.Length > 0 ? null : await Hub.StartAsync(
    new HubOptions { Repository = Path.Combine(folder, "hub.fossil"), NatsBind = null }, default);
var (url, user) = (hub?.HttpUrl ?? args[0], hub is null ? args[1] : "ann");
var login = new SyncClientOptions { User = user, Password = hub?.Repository.EnsureUser("ann", "gio") ?? args[2] };

var path = Path.Combine(folder, "copy.fossil");
var cloned = await SyncClient.CloneAsync(url, path, login, default);
Console.WriteLine($"cloned {cloned.ArtifactsReceived} artifacts, {cloned.BytesReceived} bytes");

HostedRepository.Open(path).Commit(new CheckinRequest
{
    User = user,
    Comment = "from the example",
    Files = new Dictionary<string, ReadOnlyMemory<byte>> { ["example.txt"] = "hello\n"u8.ToArray() },
});
var synced = await SyncClient.SyncAsync(path, url: null, options: null, default);
Console.WriteLine($"sent {synced.ArtifactsSent} artifacts");
