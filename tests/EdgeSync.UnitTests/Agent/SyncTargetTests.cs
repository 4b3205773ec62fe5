using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;

namespace EdgeSync.UnitTests.Agent;

public class SyncTargetTests
{
    [Test]
    [Arguments("http://host:8080", "http://host:8080/")]
    [Arguments("https://alice@host/project", "https://host/project")]
    [Arguments("https://host/project", "https://host/project")]
    public void A_server_is_remembered_without_its_user(string url, string key) =>
        Assert.Equal(key, SyncTarget.Http(url).MemoryKey);

    [Test]
    public void A_node_is_remembered_by_its_name_and_whoever_answers_is_not()
    {
        var subjects = new ProjectSubjects("edge", new string('a', 40));

        Assert.Equal("nats:berlin", SyncTarget.NatsPeer(subjects, "berlin").MemoryKey);
        Assert.Null(SyncTarget.NatsAny(subjects).MemoryKey);
    }
}
