using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;

namespace EdgeSync.UnitTests.Agent;

public class SyncTargetTests
{
    [Test]
    [Arguments("http://host:8080", "http://host:8080/")]
    [Arguments("https://alice@host/project", "https://host/project")]
    [Arguments("https://host/project", "https://host/project")]
    public void The_key_of_a_server_excludes_the_user(string url, string key) =>
        Assert.Equal(key, SyncTarget.Http(url).MemoryKey);

    [Test]
    public void A_node_has_a_key_and_an_unknown_responder_has_none()
    {
        var subjects = new ProjectSubjects("edge", new string('a', 40));

        Assert.Equal("nats:berlin", SyncTarget.NatsPeer(subjects, "berlin").MemoryKey);
        Assert.Null(SyncTarget.NatsAny(subjects).MemoryKey);
    }
}
