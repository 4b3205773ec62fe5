#:package EdgeSync.Node@0.1.0
#:property PublishAot=false

// A bot: answers each message that asks for the time. A script's question is answered the same way, by a person with
// `edgesync notify act`, or by a program.
using EdgeSync.Node.Host;

var path = args.Length > 0 ? args[0] : Path.Combine(Directory.CreateTempSubdirectory().FullName, "ship.fossil");
if (!File.Exists(path)) HostedRepository.Create(path, user: "ann", out _);
var notify = NotifyService.Create(path, device: "ship7");

// Its place is kept under its name: after a restart it goes on where it was, and misses nothing.
using var stop = new CancellationTokenSource();
var messages = notify.WatchAsync(new NotifyWatchRequest { Name = "bot", Without = "bot" }, stop.Token);
var bot = Task.Run(async () =>
{
    await foreach (var message in messages)
    {
        Console.WriteLine($"{message.FromName}: {message.Body}");
        if (message.Actions.Count > 0) notify.Act(message.Id, message.Actions[0].Label, fromName: "bot");
        else if (message.Body.Contains("time")) notify.Reply(message.Id, "It is time to sail.", fromName: "bot");
        if (message.Body == "bye") return;
    }
});

var answer = await notify.AskAsync(
    new NotifySendRequest { Body = "What time is it?", Project = "ship", FromName = "ann" }, timeout: null, default);
Console.WriteLine($"{answer!.FromName}: {answer.Body}");
answer = await notify.AskAsync(
    new NotifySendRequest { Body = "Sail?", Thread = answer.Thread, Actions = ["Yes", "No"], FromName = "ann" }, null,
    default);
Console.WriteLine($"{answer!.FromName}: {answer.Body}");
notify.Send(new NotifySendRequest { Body = "bye", Thread = answer.Thread, FromName = "ann" });
await bot;
Console.WriteLine($"{notify.Threads(limit: 10).Single().MessageCount} messages");
