using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>A service that may reply to requests, and do nothing else.</summary>
public sealed class ResponsePermissionTests
{
    [Test]
    public void An_answer_is_allowed_once()
    {
        var (harness, service, asker) = Setting(new ResponsePermission());

        asker.Send("PUB svc inbox.1 1\r\n?\r\n");

        Assert.Equal("MSG svc 1 inbox.1 1\r\n?\r\n", service.Read());
        Assert.Equal("", service.Exchange("PUB inbox.1 1\r\n!\r\n"));
        Assert.Equal("MSG inbox.1 9 1\r\n!\r\n", asker.Read());
        Assert.Equal(RefusalOf("inbox.1"), service.Exchange("PUB inbox.1 1\r\n!\r\n"));
        Assert.Equal("", asker.Read());
    }

    [Test]
    public void Without_a_request_no_reply_is_allowed()
    {
        var (_, service, _) = Setting(new ResponsePermission());

        Assert.Equal(RefusalOf("inbox.1"), service.Exchange("PUB inbox.1 1\r\n!\r\n"));
        Assert.Equal(RefusalOf("svc"), service.Exchange("PUB svc 1\r\n!\r\n"));
    }

    [Test]
    public void As_many_answers_as_the_rule_says()
    {
        var (_, service, asker) = Setting(new ResponsePermission { MessagesMax = 3 });
        asker.Send("PUB svc inbox.1 0\r\n\r\n");
        service.Read();

        Assert.Equal(
            RefusalOf("inbox.1"), service.Exchange(string.Concat(Enumerable.Repeat("PUB inbox.1 0\r\n\r\n", 4))));
    }

    [Test]
    public void An_answer_that_comes_too_late_is_refused()
    {
        var (harness, service, asker) = Setting(
            new ResponsePermission { MessagesMax = -1, Expires = TimeSpan.FromSeconds(5) });
        asker.Send("PUB svc inbox.1 0\r\n\r\n");
        service.Read();

        harness.Pass(TimeSpan.FromSeconds(5));
        service.Read();   // a ping
        Assert.Equal("", service.Exchange("PUB inbox.1 0\r\n\r\n"));
        harness.Pass(TimeSpan.FromMilliseconds(1));
        Assert.Equal(RefusalOf("inbox.1"), service.Exchange("PUB inbox.1 0\r\n\r\n"));
    }

    [Test]
    public void It_adds_to_what_is_allowed_anyway_and_wins_over_what_is_denied()
    {
        var (_, service, asker) = Setting(new ResponsePermission(), new SubjectPermissions(["log.>"], ["inbox.*"]));
        asker.Send("PUB svc inbox.1 0\r\n\r\n");
        service.Read();

        Assert.Equal("", service.Exchange("PUB log.a 0\r\n\r\nPUB inbox.1 0\r\n\r\n"));
        Assert.Equal(RefusalOf("inbox.1"), service.Exchange("PUB inbox.1 0\r\n\r\n"));
    }

    [Test]
    public void Unanswered_requests_take_bounded_memory()
    {
        var permits = new ReplyPermits(
            new ResponsePermission { MessagesMax = -1, Expires = TimeSpan.FromSeconds(-1) },
            new EdgeSync.Nats.Broker.Routing.TokenComparer(1));
        var now = Instant.FromUnixSeconds(1);
        for (var i = 0; i < 10_000; i++) permits.Add(System.Text.Encoding.ASCII.GetBytes($"inbox.{i}"), now);

        Assert.Equal(ReplyPermits.CountMax, permits.Count);
        Assert.False(permits.TryUse("inbox.0"u8, now));
        Assert.True(permits.TryUse("inbox.9999"u8, now));
    }

    private static string RefusalOf(string subject) => $"-ERR 'Permissions Violation for Publish to \"{subject}\"'\r\n";

    private static (
        BrokerHarness Harness, TestClient Service, TestClient Asker) Setting(ResponsePermission rule,
        SubjectPermissions? publish = null)
    {
        var harness = new BrokerHarness(new BrokerOptions
        {
            ServerName = "test",
            Users = [
                new BrokerUser { Name = "svc", Password = "x", Publish = publish, Responses = rule },
                new BrokerUser { Name = "all", Password = "y" }],
        });
        var (service, asker) = (
            harness.Connect("\"user\":\"svc\",\"pass\":\"x\""), harness.Connect("\"user\":\"all\",\"pass\":\"y\""));
        service.Exchange("SUB svc 1\r\n");
        asker.Exchange("SUB inbox.* 9\r\n");
        return (harness, service, asker);
    }
}
