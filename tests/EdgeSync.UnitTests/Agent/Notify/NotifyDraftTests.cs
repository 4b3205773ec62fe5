using EdgeSync.Agent.Notify;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Agent.Notify;

public class NotifyDraftTests
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1775822400);
    private static readonly NotifySender Ann = new("endpoint-1", "ann");
    private static readonly NotifySender Bob = new("endpoint-2", "bob");
    private readonly SeededEntropy _entropy = new(1);

    [Test]
    public void An_answer_keeps_thread_and_project_and_names_its_question()
    {
        var question = new NotifyDraft { Body = "Retry?", Priority = NotifyPriority.Urgent }
            .Create("ship", null, Ann, Now, _entropy);

        var answer = new NotifyDraft { Body = "yes" }.Reply(question, Bob, Now, _entropy);

        Assert.Equal((question.Thread, question.Project, question.Id), (answer.Thread, answer.Project, answer.ReplyTo));
        Assert.NotEqual(question.Id, answer.Id);
        Assert.False(answer.HasPriority);
        Assert.Equal(("endpoint-2", "bob"), (answer.From, answer.FromName));
        Assert.Matches("^msg-[0-9a-f]{32}$", answer.Id);
        Assert.Matches("^thread-[0-9a-f]{32}$", answer.Thread);
    }

    [Test]
    public void An_action_is_chosen_by_its_id_or_label()
    {
        var question = new NotifyDraft { Body = "?", Actions = NotifyNames.ActionsOf("Retry, Give up") }
            .Create("ship", null, Ann, Now, _entropy);
        Assert.Equal([new("retry", "Retry"), new("give_up", "Give up")], question.Actions);

        foreach (var name in (string[])["give_up", "Give up", "give UP"])
        {
            var answer = NotifyDraft.Act(question, name, Bob, Now, _entropy);
            Assert.Equal(("give_up", true), (answer.Body, answer.IsActionResponse));
        }

        Assert.Equal(
            ["retry", "give_up"],
            Assert.Throws<EdgeSyncException>(() => NotifyDraft.Act(question, "x", Bob, Now, _entropy)).Candidates);
    }

    [Test]
    public void What_cannot_be_read_is_not_sent()
    {
        Refused(new NotifyDraft { Body = "" });
        Refused(new NotifyDraft { Body = new string('x', NotifyCodec.BodyCharsMax + 1) });
        Refused(new NotifyDraft { Body = "x", Actions = NotifyNames.ActionsOf("A,a") });
        Refused(new NotifyDraft { Body = "x", Actions = Many(17, "") });
        Refused(new NotifyDraft { Body = "x" }, "a/b");
        Refused(new NotifyDraft { Body = "x" }, "a.b");

        var largest = new NotifyDraft
        {
            Body = new string('\u0001', NotifyCodec.BodyCharsMax),
            Actions = Many(16, new string('é', 196)),
        }.Create("ship", null, Ann, Now, _entropy);
        Assert.True(NotifyCodec.TryParse(NotifyCodec.ToFile(largest), out var read));
        Assert.Equal(largest.Body, read.Body);
        Assert.Equal(largest.Actions, read.Actions);

        static List<NotifyAction> Many(int count, string text) =>
            [.. Enumerable.Range(10, count).Select(i => new NotifyAction($"{i}{text}", text))];

        void Refused(NotifyDraft draft, string project = "ship") =>
            Assert.Throws<EdgeSyncException>(() => draft.Create(project, null, Ann, Now, _entropy));
    }

    [Test]
    public void A_question_takes_the_first_message_that_answers_it()
    {
        var question = new NotifyDraft { Body = "?" }.Create("ship", null, Ann, Now, _entropy);
        var wait = new ReplyWait(question.Id, Now + TimeSpan.FromSeconds(5));

        Assert.False(wait.OnMessage(question));
        var other = new NotifyDraft { Body = "other" }.Create("ship", question.Thread, Bob, Now, _entropy);
        Assert.False(wait.OnMessage(other));
        wait.OnDeadline(Now + TimeSpan.FromSeconds(4));
        var answer = new NotifyDraft { Body = "yes" }.Reply(question, Bob, Now, _entropy);
        Assert.True(wait.OnMessage(answer));
        Assert.False(wait.OnMessage(new NotifyDraft { Body = "no" }.Reply(question, Bob, Now, _entropy)));
        Assert.Equal(answer, wait.Answer);
        Assert.Null(wait.Deadline);
    }

    [Test]
    public void A_question_ends_at_its_deadline_and_not_before()
    {
        var wait = new ReplyWait("msg-01234567", Now);

        wait.OnDeadline(Now - TimeSpan.FromTicks(1));
        Assert.False(wait.IsOver);
        wait.OnDeadline(Now);
        Assert.True(wait.IsOver);
    }

    [Test]
    public void Ten_thousand_ids_are_remembered_and_then_the_oldest_half_is_forgotten()
    {
        var seen = new SeenMessages();
        for (var i = 0; i < SeenMessages.CountMax; i++) Assert.True(seen.Add($"msg-{i}"));
        Assert.False(seen.Add("msg-0"));
        Assert.True(seen.Add("msg-new"));

        Assert.True(seen.Count <= SeenMessages.CountMax / 2 + 1);
        Assert.False(seen.Contains("msg-0"));
        Assert.True(seen.Contains($"msg-{SeenMessages.CountMax - 1}"));
        Assert.False(seen.Add("msg-new"));
    }
}
