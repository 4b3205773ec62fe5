#:package EdgeSync.Node@0.1.0
#:property PublishAot=false

// Creates a Fossil repository, checks files in, and reads them back. Stock fossil opens the same file.
//   dotnet run commit.cs -- project.fossil
using System.Text;
using EdgeSync.Node.Host;

var path = args.Length > 0 ? args[0] : Path.Combine(Directory.CreateTempSubdirectory().FullName, "project.fossil");
var repository = HostedRepository.Create(path, user: "ann", out var password);
Console.WriteLine($"created {repository.Path}, user ann, password {password}");

foreach (var text in (string[])["one\n", "two\n"])
{
    var made = repository.Commit(new CheckinRequest
    {
        User = "ann",
        Comment = $"greeting {text.Trim()}",
        Files = new Dictionary<string, ReadOnlyMemory<byte>> { ["greeting.txt"] = Encoding.UTF8.GetBytes(text) },
    });
    Console.WriteLine($"checked in {made.Hash[..10]} on {made.Branch}");
}

foreach (var checkin in repository.Timeline(limit: 2)) Console.WriteLine($"{checkin.Date:u} {checkin.Comment}");
var (newest, before) = (repository.Timeline(2)[0].Hash, repository.Timeline(2)[1].Hash);
Console.Write(repository.Diff(before, newest));
Console.Write(Encoding.UTF8.GetString(repository.ReadFile("tip", "greeting.txt")));
