using System.Text;
using EdgeSync.Nats.Client;
using EdgeSync.Nats.Wire;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Client;

public class NatsClientCoreTests
{
    [Test]
    public void Connects_with_one_write_after_INFO()
    {
        var server = new ScriptedServer(new NatsClientOptions { Name = "me", Credentials = new NatsCredentials { Username = "u", Password = "p" } });
        Assert.Equal(ClientEffectKind.Dial, Assert.Single(server.Effects()).Kind);

        server.Core.OnDialed(isSecure: false);
        Assert.Equal("", server.Sent());
        server.Say(ScriptedServer.Info);

        var written = server.Sent();
        Assert.EndsWith("}\r\nPING\r\n", written, StringComparison.Ordinal);
        Assert.True(ConnectOptions.TryParse(Encoding.UTF8.GetBytes(written["CONNECT ".Length..written.IndexOf("\r\n", StringComparison.Ordinal)]), ConnectOptions.ServerDefaults, out var connect));
        Assert.False(connect.Verbose || connect.Pedantic || connect.TlsRequired);
        Assert.True(connect.Headers && connect.NoResponders && connect.Echo);
        Assert.Equal(("me", "u", "p", 1), (connect.Name, connect.User, connect.Password, connect.ProtocolVersion));
        Assert.Equal(NatsConnectionState.Connecting, server.Core.State);
        server.Say("PONG\r\n");
        Assert.Equal(NatsConnectionState.Open, server.Core.State);
    }

    [Test]
    public void An_INFO_behind_the_first_PONG_is_welcome()
    {
        var server = ScriptedServer.Live();

        server.Say("""INFO {"connect_info":true,"remote_account":"A","max_payload":99} """ + "\r\n");

        Assert.Equal(99, server.Core.ServerInfo!.MaxPayload);
        Assert.Equal(NatsConnectionState.Open, server.Core.State);
        Assert.Empty(server.Effects());
    }

    [Test]
    public void What_is_published_before_a_link_follows_the_subscriptions()
    {
        var server = new ScriptedServer();
        server.Publish("a", "1");
        server.Core.Subscribe("b", "", 0, null);
        server.Publish("a", "2", "re");

        server.GoLive();

        Assert.Equal("SUB b 2\r\nPUB a 1\r\n1\r\nPUB a re 1\r\n2\r\n", server.Sent());
    }

    [Test]
    public void A_link_that_breaks_is_replaced_and_nothing_unsent_is_lost()
    {
        var server = ScriptedServer.Live();
        server.Core.Subscribe("b", "q", 0, null);
        var limited = server.Core.Subscribe("c", "", 5, null);
        server.Publish("a", "taken");
        Assert.Contains("taken", server.Sent(), StringComparison.Ordinal);
        server.Say("MSG c 3 0\r\n\r\nMSG c 3 0\r\n\r\n");
        server.Publish("a", "left");
        server.Core.Subscribe("d", "", 0, null);
        server.Effects();

        server.Break();
        Assert.Equal(NatsConnectionState.Reconnecting, server.Core.State);
        server.Publish("a", "later");
        server.WaitForDeadline();
        Assert.Contains(server.Effects(), effect => effect.Kind == ClientEffectKind.Dial);
        server.GoLive();

        Assert.Equal(2, limited.Delivered);
        Assert.Equal(
            "SUB b q 2\r\nSUB c 3\r\nUNSUB 3 3\r\nSUB d 4\r\nPUB a 4\r\nleft\r\nPUB a 5\r\nlater\r\n", server.Sent());
    }

    [Test]
    public void A_subscription_ends_after_its_last_message()
    {
        var server = ScriptedServer.Live();
        var subscription = server.Core.Subscribe("a", "", 2, null);
        Assert.Equal("SUB a 2\r\nUNSUB 2 2\r\n", server.Sent());

        server.Say("MSG a 2 1\r\nx\r\nMSG a 2 1\r\ny\r\nMSG a 2 1\r\nz\r\n");

        Assert.Equal(
            [ClientEffectKind.Deliver, ClientEffectKind.Deliver, ClientEffectKind.SubscriptionEnded],
            server.Effects().Select(effect => effect.Kind));
        server.Core.Unsubscribe(subscription);
        Assert.Equal("", server.Sent());
    }

    [Test]
    public void Draining_delivers_up_to_the_answer_of_a_ping()
    {
        var server = ScriptedServer.Live();
        var subscription = server.Core.Subscribe("a", "", 0, null);
        server.Sent();

        server.Core.Drain(subscription);
        Assert.Equal("UNSUB 2\r\nPING\r\n", server.Sent());
        server.Say("MSG a 2 1\r\nx\r\n");
        Assert.Equal(ClientEffectKind.Deliver, Assert.Single(server.Effects()).Kind);
        server.Say("PONG\r\n");

        Assert.Equal(ClientEffectKind.SubscriptionEnded, Assert.Single(server.Effects()).Kind);
        Assert.Equal("", server.Sent());
    }

    [Test]
    public void Requests_share_one_subscription_and_take_the_first_reply()
    {
        var server = ScriptedServer.Live();

        var first = server.Request("svc");
        var second = server.Request("svc");
        var written = server.Sent();
        var inbox = written["SUB ".Length..written.IndexOf('*', StringComparison.Ordinal)];
        Assert.Equal($"SUB {inbox}* 1\r\nPUB svc {inbox}{first} 0\r\n\r\nPUB svc {inbox}{second} 0\r\n\r\n", written);
        server.Say($"MSG {inbox}{second} 1 1\r\nb\r\nMSG {inbox}{second} 1 1\r\nB\r\nHMSG {inbox}{first} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");

        var replies = server.Effects();
        Assert.Equal([second, first], replies.Select(reply => reply.Token));
        Assert.Equal("b"u8, replies[0].Message.Data.Span);
        Assert.False(replies[0].Message.HasNoResponders);
        Assert.True(replies[1].Message.HasNoResponders);
    }

    [Test]
    public void A_newer_servers_no_responders_is_known_too()
    {
        var server = ScriptedServer.Live();
        server.Request("svc");
        var reply = server.Sent().Split(' ')[4];
        const string Block = "NATS/1.0 503\r\nNats-Subject: svc\r\n\r\n";

        server.Say($"HMSG {reply} 1 {Block.Length} {Block.Length}\r\n{Block}\r\n");

        Assert.True(Assert.Single(server.Effects()).Message.HasNoResponders);
    }

    [Test]
    public void Requests_that_went_out_on_a_broken_link_fail_and_those_that_waited_go_on()
    {
        var server = ScriptedServer.Live();
        var lost = server.Request("svc");
        server.Sent();
        server.Break();
        var kept = server.Request("svc");

        Assert.Equal(lost, Assert.Single(server.Effects(), effect => effect.Kind == ClientEffectKind.RequestLost).Token);
        server.WaitForDeadline();
        server.GoLive();
        var reply = server.Sent().Split(' ', '\r').Last(word => word.StartsWith("_INBOX.", StringComparison.Ordinal));
        server.Effects();
        server.Say($"MSG {reply} 1 0\r\n\r\n");

        Assert.Equal(kept, Assert.Single(server.Effects()).Token);
    }

    [Test]
    public void PING_is_answered_and_each_PONG_answers_the_oldest_PING()
    {
        var server = ScriptedServer.Live();

        server.Say("PING\r\n");
        var (one, two) = (server.Core.Ping(), server.Core.Ping());
        Assert.Equal("PONG\r\nPING\r\nPING\r\n", server.Sent());
        server.Say("PONG\r\nPONG\r\nPONG\r\n");

        Assert.Equal([(ClientEffectKind.Pong, one), (ClientEffectKind.Pong, two)], server.Effects().Select(effect => (effect.Kind, effect.Token)));
    }

    [Test]
    public void A_silent_server_is_pinged_and_given_up()
    {
        var server = ScriptedServer.Live();

        Assert.Equal(TimeSpan.FromMinutes(2), server.WaitForDeadline());
        Assert.Equal("PING\r\n", server.Sent());
        server.WaitForDeadline();
        Assert.Equal("PING\r\n", server.Sent());
        Assert.Equal(NatsConnectionState.Open, server.Core.State);
        server.WaitForDeadline();

        Assert.Equal(NatsConnectionState.Reconnecting, server.Core.State);
        Assert.Equal(ClientEffectKind.Hangup, server.Effects()[0].Kind);
    }

    [Test]
    public void Any_byte_is_a_sign_of_life()
    {
        var server = ScriptedServer.Live();
        server.Core.Subscribe("a", "", 0, null);
        server.Say("MSG a 2 1000\r\n");
        for (var i = 0; i < 20; i++)
        {
            server.Wait(TimeSpan.FromSeconds(110));
            server.Say(new string('x', 10));   // a large message on a slow link, and a PONG somewhere behind it
        }

        Assert.Equal(NatsConnectionState.Open, server.Core.State);
    }

    [Test]
    public void Pauses_grow_with_chance_up_to_their_limit()
    {
        var server = new ScriptedServer(new NatsClientOptions { RetryOnInitialConnect = true });
        var pauses = new List<double>();
        for (var i = 0; i < 12; i++)
        {
            server.Core.OnLinkLost(server.Now, "refused");
            pauses.Add(server.WaitForDeadline().TotalSeconds);
        }

        Assert.InRange(pauses[0], 0.25, 0.6);
        Assert.InRange(pauses[2], 1, 2.1);
        Assert.All(pauses[6..], pause => Assert.InRange(pause, 5, 10.1));
        Assert.Equal(pauses.Count, pauses.Distinct().Count());
    }

    [Test]
    public void All_servers_are_tried_before_there_is_a_pause()
    {
        var server = new ScriptedServer(new NatsClientOptions { Url = "a:1, b:2 ,c:3", RetryOnInitialConnect = true, NoRandomize = true });
        var tried = new List<string>();
        var pauses = new List<TimeSpan>();
        for (var i = 0; i < 6; i++)
        {
            tried.AddRange(server.Effects().Where(effect => effect.Kind == ClientEffectKind.Dial).Select(effect => effect.Server!.Address));
            server.Core.OnLinkLost(server.Now, "refused");
            pauses.Add(server.WaitForDeadline());
        }

        Assert.Equal(["a:1", "b:2", "c:3", "a:1", "b:2", "c:3"], tried);
        Assert.All([0, 1, 3, 4], i => Assert.True(pauses[i] <= TimeSpan.FromMilliseconds(100)));
        Assert.All([2, 5], i => Assert.True(pauses[i] >= TimeSpan.FromMilliseconds(250)));
    }

    [Test]
    public void A_server_that_drops_everybody_is_not_hammered()
    {
        var server = ScriptedServer.Live();
        var pauses = new List<TimeSpan>();
        for (var i = 0; i < 6; i++)
        {
            server.Break();
            pauses.Add(server.WaitForDeadline());
            server.GoLive();
        }

        Assert.True(pauses[5] > TimeSpan.FromSeconds(4), $"{pauses[5]}");
        server.Wait(TimeSpan.FromSeconds(10));
        server.Break();
        Assert.True(server.WaitForDeadline() <= TimeSpan.FromMilliseconds(100));
    }

    [Test]
    public void Without_retry_the_first_connection_is_tried_once_with_each_server()
    {
        var server = new ScriptedServer(new NatsClientOptions { Url = "a:1,b:2" });
        server.Core.OnLinkLost(server.Now, "refused");
        Assert.Equal(NatsConnectionState.Connecting, server.Core.State);
        server.WaitForDeadline();
        server.Core.OnLinkLost(server.Now, "refused too");

        Assert.True(server.Core.IsFinished);
        Assert.Equal("refused too", server.Core.LastFailure);
        Assert.Equal(NatsConnectionNewsKind.Closed, server.Effects()[^1].News!.Kind);
        Assert.Null(server.Core.Deadline);
        Assert.Equal(PublishResult.Closed, server.Publish("a", ""));
    }

    [Test]
    public void A_server_that_says_nothing_is_left_after_the_time_to_connect()
    {
        var server = new ScriptedServer(new NatsClientOptions { ConnectTimeout = TimeSpan.FromSeconds(3), RetryOnInitialConnect = true });
        server.Core.OnDialed(isSecure: false);
        server.Effects();

        Assert.Equal(TimeSpan.FromSeconds(3), server.WaitForDeadline());

        Assert.Equal(ClientEffectKind.Hangup, server.Effects()[0].Kind);
        Assert.Contains("INFO", server.Core.LastFailure, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("-ERR 'Permissions Violation for Publish to \"x\"'", true)]
    [Arguments("-ERR 'Permissions Violation for Subscription to \"x\" using queue \"q\"'", true)]
    [Arguments("-ERR 'Invalid Subject'", true)]
    [Arguments("-ERR 'maximum subscriptions exceeded'", true)]
    [Arguments("-ERR 'Stale Connection'", false)]
    [Arguments("-ERR 'maximum connections exceeded'", false)]
    [Arguments("-ERR 'Unknown Protocol Operation'", false)]
    [Arguments("-ERR 'User Authentication Expired'", false)]
    public void An_error_ends_the_link_or_is_told(string line, bool stays)
    {
        var server = ScriptedServer.Live();

        server.Say($"{line}\r\n");

        Assert.Equal(stays ? NatsConnectionState.Open : NatsConnectionState.Reconnecting, server.Core.State);
        var news = Assert.Single(server.Effects(), effect => effect.Kind == ClientEffectKind.News).News!;
        Assert.Equal(stays ? NatsConnectionNewsKind.ServerError : NatsConnectionNewsKind.Disconnected, news.Kind);
        Assert.Contains(line[6..20], news.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Test]
    public void Refusals_end_the_connection_only_when_told_so()
    {
        var patient = new ScriptedServer(new NatsClientOptions { RetryOnInitialConnect = true });
        var strict = new ScriptedServer(new NatsClientOptions { RetryOnInitialConnect = true, MaxAuthRefusals = 2 });
        foreach (var server in new[] { patient, strict })
        {
            for (var i = 0; i < 2; i++)
            {
                server.Core.OnDialed(isSecure: false);
                server.Say(ScriptedServer.Info + "-ERR 'Authorization Violation'\r\n");
                server.Core.OnLinkLost(server.Now, "closed");
                if (!server.Core.IsFinished) server.WaitForDeadline();
            }
        }

        Assert.False(patient.Core.IsFinished);
        Assert.True(strict.Core.IsFinished);
        Assert.True(strict.Core.WasRefused);
        Assert.Equal("Authorization Violation", strict.Core.LastFailure);
    }

    [Test]
    [Arguments(TlsMode.Auto, "", false, "connect")]
    [Arguments(TlsMode.Auto, "\"tls_required\":true", false, "upgrade")]
    [Arguments(TlsMode.Auto, "\"tls_available\":true", false, "connect")]
    [Arguments(TlsMode.Auto, "\"tls_required\":true", true, "connect")]
    [Arguments(TlsMode.Prefer, "\"tls_available\":true", false, "upgrade")]
    [Arguments(TlsMode.Prefer, "", false, "connect")]
    [Arguments(TlsMode.Require, "\"tls_available\":true", false, "upgrade")]
    [Arguments(TlsMode.Require, "", false, "hangup")]
    [Arguments(TlsMode.Disable, "\"tls_required\":true", false, "hangup")]
    [Arguments(TlsMode.Disable, "\"tls_available\":true", false, "connect")]
    public void TLS_begins_when_both_sides_want_it(TlsMode mode, string field, bool isSecure, string expected)
    {
        var server = new ScriptedServer(new NatsClientOptions { TlsMode = mode });
        server.Effects();
        server.Core.OnDialed(isSecure);

        server.Say($"INFO {{{field}}} \r\n");

        var effects = server.Effects().Select(effect => effect.Kind).ToList();
        var seen = effects.Contains(ClientEffectKind.UpgradeTls) ? "upgrade" : effects.Contains(ClientEffectKind.Hangup) ? "hangup" : "connect";
        Assert.Equal(expected, seen);
        Assert.Equal(expected == "connect", server.Sent().StartsWith("CONNECT", StringComparison.Ordinal));
    }

    [Test]
    public void Clear_bytes_behind_INFO_do_not_pass_for_the_servers_word_inside_TLS()
    {
        var server = new ScriptedServer();
        server.Core.OnDialed(isSecure: false);

        server.Say("INFO {\"tls_required\":true} \r\nPING\r\n");

        Assert.Contains(server.Effects(), effect => effect.Kind == ClientEffectKind.Hangup);
    }

    [Test]
    public void Lame_duck_is_told_once_and_the_server_tried_last()
    {
        var server = ScriptedServer.Live(new NatsClientOptions { Url = "a:1,b:2", NoRandomize = true });

        server.Say("INFO {\"ldm\":true} \r\nINFO {\"ldm\":true} \r\n");
        Assert.Equal(NatsConnectionNewsKind.LameDuck, Assert.Single(server.Effects()).News!.Kind);
        server.Break();
        server.WaitForDeadline();

        Assert.Equal("b:2", Assert.Single(server.Effects(), effect => effect.Kind == ClientEffectKind.Dial).Server!.Address);
    }

    [Test]
    public void Servers_learned_from_INFO_come_and_go()
    {
        var server = ScriptedServer.Live(new NatsClientOptions { Url = "nats://u:p@a:1", NoRandomize = true });

        server.Say("INFO {\"connect_urls\":[\"b:2\",\"[::1]:3\",\"nonsense\",\"a:1\"]} \r\n");
        Assert.Equal(3, server.Core.ServerCount);
        server.Say("INFO {\"connect_urls\":[\"b:2\"]} \r\n");
        Assert.Equal(2, server.Core.ServerCount);
        server.Break();
        server.WaitForDeadline();

        var learned = Assert.Single(server.Effects(), effect => effect.Kind == ClientEffectKind.Dial).Server!;
        Assert.Equal(("b:2", "u", "a", true), (learned.Address, learned.User, learned.TlsName, learned.IsLearned));
    }

    [Test]
    public void Every_buffer_has_its_bound()
    {
        var server = new ScriptedServer(new NatsClientOptions { ReconnectBufferBytesMax = 1000, SendBufferBytesMax = 2000 });
        var body = new string('x', 400);

        Assert.Equal(PublishResult.Accepted, server.Publish("a", body));
        Assert.Equal(PublishResult.Accepted, server.Publish("a", body));
        Assert.Equal(PublishResult.BufferFull, server.Publish("a", body));
        server.GoLive();
        server.Sent();
        for (var i = 0; i < 4; i++) Assert.Equal(PublishResult.Accepted, server.Publish("a", body));
        Assert.Equal(PublishResult.WouldBlock, server.Publish("a", body));
        server.Sent();

        Assert.Equal(PublishResult.Accepted, server.Publish("a", body));
        Assert.Equal(PublishResult.TooLarge, server.Publish("a", new string('x', (1 << 20) + 1)));
    }

    [Test]
    public void What_waited_and_is_too_large_for_the_new_server_is_told_and_dropped()
    {
        var server = new ScriptedServer();
        server.Publish("a", "small");
        server.Publish("a", "rather large");

        server.GoLive("INFO {\"max_payload\":8} \r\n");

        Assert.Equal("PUB a 5\r\nsmall\r\n", server.Sent());
        Assert.Contains(server.Effects(), effect => effect.News?.Kind == NatsConnectionNewsKind.PublishDropped);
    }

    [Test]
    public void A_message_with_a_broken_header_block_arrives_without_headers()
    {
        var server = ScriptedServer.Live();
        server.Core.Subscribe("a", "", 0, null);

        server.Say("HMSG a 2 6 9\r\nA: b\r\nabc\r\n");

        var message = Assert.Single(server.Effects()).Message;
        Assert.Null(message.Headers);
        Assert.Equal("abc"u8, message.Data.Span);
        Assert.Equal(1, server.Core.Counters.BadHeaders);
    }

    [Test]
    public void Closing_ends_everything()
    {
        var server = ScriptedServer.Live();
        server.Core.Subscribe("a", "", 0, null);
        var request = server.Request("b");
        var ping = server.Core.Ping();

        server.Core.Close("done");
        server.Core.Close("again");

        var effects = server.Effects();
        Assert.Equal(
            [ClientEffectKind.Hangup, ClientEffectKind.RequestLost, ClientEffectKind.PongLost, ClientEffectKind.SubscriptionEnded, ClientEffectKind.News],
            effects.Select(effect => effect.Kind));
        Assert.Equal((request, ping), (effects[1].Token, effects[2].Token));
        Assert.Equal("", server.Sent());
    }

    /// <summary>Whatever a server says, in whatever pieces, the core neither throws nor waits for nothing.</summary>
    [Test]
    public void No_bytes_of_a_server_make_it_throw() => Property.Check(
        prng =>
        {
            var server = new ScriptedServer(new NatsClientOptions { RetryOnInitialConnect = true }, prng.NextUInt64());
            for (var step = prng.NextInt32(4, 40); step > 0; step--)
            {
                switch (prng.NextInt32(9))
                {
                    case 0: server.Core.OnDialed(prng.Chance(0.2)); break;
                    case 1: server.Core.OnTlsUp(); break;
                    case 2: server.Break(); break;
                    case 3: server.WaitForDeadline(); break;
                    case 4: server.Core.Subscribe("a", "", prng.NextInt32(3), null); break;
                    case 5: server.Core.TryRequest("b"u8, default, default, out _); break;
                    case 6: server.Publish("a", "x"); break;
                    default:
                        var good = prng.Pick<string>([ScriptedServer.Info, "PONG\r\n", "PING\r\n", "MSG a 2 1\r\nx\r\n", "HMSG a 2 12 12\r\nNATS/1.0\r\n\r\n\r\n", "-ERR 'x'\r\n", "+OK\r\n"]);
                        var bytes = prng.Chance(0.7) ? Encoding.Latin1.GetBytes(good) : Mutation.OfBytes(prng, Encoding.Latin1.GetBytes(good), []);
                        server.Say(Encoding.Latin1.GetString(bytes));
                        break;
                }

                server.Effects();
                if (prng.Chance(0.5)) server.Sent();
                Assert.NotNull(server.Core.Deadline);
            }
        },
        runs: 2000);
}
