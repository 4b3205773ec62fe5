#:package EdgeSync.Node@0.1.0
#:property PublishAot=false

// Works in a checkout as a person does: puts changes aside, merges a branch, and finds the check-in that broke something.
// Stock fossil goes on in the same folder.
//   dotnet run checkout.cs -- FOLDER
using EdgeSync.Node.Host;

var folder = Directory.CreateDirectory(
    args.Length > 0 ? args[0] : Directory.CreateTempSubdirectory().FullName).FullName;
var repository = Path.Combine(folder, "project.fossil");
HostedRepository.Create(repository, user: "ann", out _);
var checkout = Checkout.Create(repository, Path.Combine(folder, "work"));

Write(checkout, ("plan.txt", "one\n"));
checkout.Add("plan.txt");
Commit(checkout, "start");

// An idea, put aside for something urgent.
Write(checkout, ("plan.txt", "one\nan idea\n"));
var idea = checkout.Stash.Save("an idea");
Console.WriteLine($"aside: {idea.Comment}, {string.Join(' ', idea.Files.Select(f => $"{f.Change} {f.Path}"))}");
Console.WriteLine($"brought back with {checkout.Stash.Pop().Conflicts} conflicts");
checkout.Revert();

// A branch in another folder, merged here.
var side = Checkout.Create(repository, Path.Combine(folder, "side"));
Write(side, ("sails.txt", "main\n"));
side.Add("sails.txt");
side.Checkin(new CheckoutCheckin { User = "bob", Comment = "hoist the sails", NewBranch = "sails" });
var merged = checkout.Merge(new CheckoutMergeRequest { Version = "sails", Kind = CheckoutMergeKind.Integrate });
foreach (var file in merged.Files) Console.WriteLine($"merged: {file.Change} {file.Path}");
checkout.Checkin(new CheckoutCheckin { User = "ann", Comment = "merge the sails" });

// Which check-in made the plan too long?
var good = checkout.Version!.Hash;
for (var i = 2; i <= 9; i++)
    Commit(checkout, $"step {i}", ("plan.txt", string.Concat(Enumerable.Range(1, i).Select(n => $"step {n}\n"))));
checkout.Bisect.Good(good);
checkout.Bisect.Bad();
var found = checkout.Bisect.Run(_ =>
    File.ReadAllLines(Path.Combine(checkout.Folder, "plan.txt")).Length > 5 ? BisectVerdict.Bad : BisectVerdict.Good);
Console.WriteLine($"too long since '{found.Bad!.Comment}'");

static void Write(Checkout checkout, params (string Name, string Text)[] files)
{
    foreach (var (name, text) in files) File.WriteAllText(Path.Combine(checkout.Folder, name), text);
}

static void Commit(Checkout checkout, string comment, params (string Name, string Text)[] files)
{
    Write(checkout, files);
    checkout.Checkin(new CheckoutCheckin { User = "ann", Comment = comment });
}
