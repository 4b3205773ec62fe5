using System.Text.Json;
using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Notify;

/// <summary>Messages are check-ins that stock reads, and files that stock commits are messages.</summary>
public sealed class NotifyBesideStockTests
{
    [Test]
    public void Stock_reads_messages_and_writes_some()
    {
        using var bench = new Workbench("notify");
        bench.NewRepository("project.fossil");
        var notify = bench["notify.fossil"];
        Assert.Equal(notify + "\n", Ours("init", "--device", "ship7"));
        var first = Ours("send", "Grüße <&> \"1\"", "--actions", "Yes, No").Trim();
        var thread = Sent("threads").GetProperty("threads")[0];
        var shortId = thread.GetProperty("thread_short").GetString()!;
        Ours("act", shortId, "Yes", "--from", "ann");
        File.WriteAllText(bench["plan.txt"], "plan\n");
        Ours("reply", first, "done", "--media", bench["plan.txt"]);

        // The timeline, each file, and the whole.
        var timeline = bench.Stock.Run("timeline", "-t", "ci", "-W", "0", "-R", notify).Output;
        Assert.Contains($"notify: {first} (user: notify tags: thread-{shortId})", timeline);
        var log = Sent("log", shortId).GetProperty("messages");
        Assert.Equal(3, log.GetArrayLength());
        foreach (var message in log.EnumerateArray())
        {
            var files = bench.Stock.Run("ls", "-r", message.GetProperty("checkin").GetString()!, "-R", notify).Output;
            var path = files.Split('\n').Single(
                f => f.EndsWith($"-{message.GetProperty("id").GetString()![4..12]}.json", StringComparison.Ordinal));
            Assert.StartsWith($"project/threads/{shortId}/", path);
            using var json = JsonDocument.Parse(bench.Stock.Run(
                "cat", path, "-r", message.GetProperty("checkin").GetString()!, "-R", notify).Output);
            foreach (var name in (string[])["id", "thread", "project", "from", "from_name", "timestamp", "body"])
                Assert.Equal(message.GetProperty(name).GetString(), json.RootElement.GetProperty(name).GetString());
        }

        Assert.Equal("plan\n", bench.Stock.Run(
            "uv", "cat", "project/media/" + log[2].GetProperty("media")[0].GetString(), "-R", notify).Output);
        Assert.Contains(" 0 errors", bench.Stock.Run("test-integrity", "-R", notify).Output);
        Assert.Equal("", bench.Stock.Run("leaves", "--multiple", "-R", notify).Output);
        bench.Stock.Run("rebuild", notify);
        Assert.Equal(log.ToString(), Sent("log", shortId).GetProperty("messages").ToString());

        // A message that another program commits, as the original does it: on its own.
        Directory.CreateDirectory(bench["checkout"]);
        bench.Stock.RunIn(bench["checkout"], "open", notify, "--nosync");
        var file = "edgesync/threads/a1b2c3d4/1775822400-01234567.json";
        Directory.CreateDirectory(Path.GetDirectoryName(bench[$"checkout/{file}"])!);
        File.Copy(Tests.Support.Vectors.PathOf("notify", "ask.json"), bench[$"checkout/{file}"]);
        bench.Stock.RunIn(bench["checkout"], "add", file);
        bench.Stock.RunIn(bench["checkout"], "commit", "--user", "notify", "-m", "notify: msg-0123", "--no-warnings");

        Assert.Equal(
            "[2026-04-10T12:00:00Z] thread:a1b2c3d4 from: text:Build failed. Retry?\n",
            Ours("log", "a1b2c3d4", "--keep-unread"));
        Assert.Contains("edgesync: 1 unread, 1 messages in 1 threads", Ours("status"));
        Ours("act", "a1b2c3d4", "give_up", "--project", "edgesync");
        Assert.Contains("edgesync: 0 unread, 2 messages in 1 threads", Ours("status"));
        bench.MustBeSound(notify);

        string Ours(params string[] words) =>
            bench.Ours.Run(["notify", .. words, "-R", bench["project.fossil"]]).Output;

        JsonElement Sent(params string[] words)
        {
            using var document = JsonDocument.Parse(Ours([.. words, "--json"]));
            return document.RootElement.Clone();
        }
    }
}
