using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Sync;

public class ClientSessionTests
{
    [Test]
    [Arguments(1)]
    [Arguments(2)]
    [Arguments(3)]
    public void A_clone_brings_everything_public_in_every_protocol_version(int version)
    {
        var server = SampleProject.Create("s", nobody: "gjorz");
        SampleProject.History(server, 30);
        SampleProject.Deltify(server);
        server.Add("a private text"u8.ToArray(), isPrivate: true);
        var client = new MemoryArtifactStore(null, new string('b', 40));

        var report = new DirectExchange(server, new ServerOptions { ReplyBytesMax = 5000 }).Run(
            client, SampleProject.Options(SyncActions.Clone) with { CloneVersion = version });

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal(server.HeldIds(), client.HeldIds());
        Assert.Equal(SampleProject.Code, client.ProjectCode);
        Assert.False(client.CloneIsOpen);
        Assert.Empty(client.Phantoms);
        Assert.Null(client.Config.Get("edgesync-clone-seqno"));
    }

    [Test]
    public void A_clone_with_private_content_brings_that_too()
    {
        var server = SampleProject.Create("sx", nobody: "gjorz");
        SampleProject.History(server, 5);
        server.Add("a private text"u8.ToArray(), isPrivate: true);
        var client = new MemoryArtifactStore(null, new string('b', 40));

        var report = new DirectExchange(server).Run(
            client, SampleProject.Options(SyncActions.Clone | SyncActions.Private));

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal(server.HeldIds(withPrivate: true), client.HeldIds(withPrivate: true));
        Assert.Equal(server.HeldIds(), client.HeldIds());
    }

    [Test]
    public void An_interrupted_clone_goes_on_where_it_was()
    {
        var server = SampleProject.Create("s", nobody: "gjorz");
        SampleProject.History(server, 60);
        var client = new MemoryArtifactStore(null, new string('b', 40));
        var exchange = new DirectExchange(server, new ServerOptions { ReplyBytesMax = 4000 });
        using (var first = new ClientSession(client, SampleProject.Options(SyncActions.Clone), new SeededEntropy(1)))
        {
            var request = new ArrayBufferWriter<byte>();
            for (var i = 0; i < 3; i++)
            {
                Assert.True(first.TryBuildRequest(DirectExchange.Now, request));
                first.Receive(DirectExchange.Now, exchange.Answer(request.WrittenSpan.ToArray()));
                request.ResetWrittenCount();
            }
        }

        var held = client.HeldIds().Count;
        var report = exchange.Run(client, SampleProject.Options(SyncActions.Clone), seed: 2);

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.True(held > 10);
        Assert.Equal(server.HeldIds(), client.HeldIds());
        Assert.True(report.ArtifactsReceived <= server.HeldIds().Count - held);
    }

    [Test]
    public void A_denied_clone_is_reported()
    {
        var client = new MemoryArtifactStore(null, new string('b', 40));

        var report = new DirectExchange(SampleProject.Create("", nobody: "")).Run(
            client, SampleProject.Options(SyncActions.Clone));

        Assert.Equal(SyncFaultKind.Denied, report.Fault?.Kind);
        Assert.True(client.CloneIsOpen);
    }

    [Test]
    public void A_push_of_one_check_in_is_one_round_and_only_new_artifacts_travel()
    {
        var (client, server) = Pair("s", 20);
        SampleProject.CheckIn(client, "more", client.HeldIds()[0], ("new.txt", "new text"));

        var report = new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Push));

        Assert.Equal((1, 2), (report.Rounds, report.ArtifactsSent));
        Assert.Equal(client.HeldIds(), server.HeldIds());
        Assert.False(client.Begin(StoreAccess.Read, default) && client.Any(ArtifactList.Unsent));
    }

    [Test]
    public void A_pull_of_nothing_is_one_small_round()
    {
        var (client, server) = Pair("s", 200);
        new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Pull));
        var exchange = new DirectExchange(server);

        var report = exchange.Run(client, SampleProject.Options(SyncActions.Pull));

        Assert.Equal((1, 0), (report.Rounds, report.ArtifactsReceived));
        Assert.True(exchange.Replies[0].Length < 1000, Encoding.UTF8.GetString(exchange.Replies[0]));
        Assert.True(exchange.Requests[0].Length < 400);
    }

    [Test]
    public void A_whole_history_goes_in_few_rounds()
    {
        var client = SampleProject.Create();
        SampleProject.History(client, 800);
        SampleProject.Deltify(client);
        var server = SampleProject.Create();
        var exchange = new DirectExchange(server);

        var report = exchange.Run(client, SampleProject.Options(SyncActions.Push));

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal(client.HeldIds(), server.HeldIds());
        Assert.True(report.Rounds <= 4, $"{report.Rounds} rounds");
        Assert.True(report.DeltasSent > report.ArtifactsSent / 3);
    }

    [Test]
    public void A_whole_history_can_be_pushed_without_read_rights()
    {
        var client = SampleProject.Create();
        SampleProject.History(client, 400);
        var server = new MemoryArtifactStore(SampleProject.Code, new string('c', 40));
        server.Write(() => server.State.Users["tester"] = new UserAccount(
            1, "tester", EdgeSync.Fossil.Xfer.XferLogin.SharedSecret(SampleProject.Code, "tester", "secret"), "i"));

        // 'i' contains read, so the denial is played by a server that drops it.
        var report = new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Push));

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal(client.HeldIds(), server.HeldIds());
    }

    [Test]
    public void A_user_who_may_only_read_still_gets_the_pull_of_a_sync()
    {
        var (client, server) = Pair("", 5);
        SampleProject.CheckIn(server, "on the server", default, ("s", "server"));
        SampleProject.CheckIn(client, "on the client", default, ("c", "client"));

        var report = new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Sync));

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.True(report.PushRefused);
        Assert.Empty(server.HeldIds().Except(client.HeldIds()));
        Assert.Equal(2, client.HeldIds().Except(server.HeldIds()).Count());
    }

    [Test]
    [Arguments("wrong", SyncFaultKind.LoginFailed)]
    [Arguments("secret", null)]
    public void A_wrong_password_is_a_typed_fault(string password, SyncFaultKind? expected)
    {
        var (client, server) = Pair("s", 2);

        var report = new DirectExchange(server).Run(
            client, new ClientOptions { Actions = SyncActions.Sync, Login = new SyncLogin("tester", password) });

        Assert.Equal(expected, report.Fault?.Kind);
    }

    [Test]
    public void Another_project_is_a_typed_fault()
    {
        var server = SampleProject.Create(code: new string('f', 40), nobody: "oi");

        var report = new DirectExchange(server).Run(
            SampleProject.Create(), new ClientOptions { Actions = SyncActions.Sync });

        Assert.Equal(SyncFaultKind.WrongProject, report.Fault?.Kind);
    }

    [Test]
    [Arguments("<html>no</html>\n", SyncFaultKind.NotAServer)]
    [Arguments("strange\n", SyncFaultKind.NotAServer)]
    [Arguments("file 1 2 3 4\n", SyncFaultKind.Protocol)]
    [Arguments("file 1111111111111111111111111111111111111111 9\nshort", SyncFaultKind.Protocol)]
    [Arguments("file 1111111111111111111111111111111111111111 5\nshort", SyncFaultKind.DamagedArtifact)]
    [Arguments("error something\\shappened\n", SyncFaultKind.ServerError)]
    public void A_bad_reply_is_a_typed_fault_and_leaves_nothing(string reply, SyncFaultKind expected)
    {
        var client = SampleProject.Create();
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));

        session.Receive(DirectExchange.Now, Encoding.UTF8.GetBytes(reply));

        Assert.False(session.TryBuildRequest(DirectExchange.Now, request));
        Assert.Equal(expected, session.Report.Fault?.Kind);
        Assert.Empty(client.HeldIds());
        Assert.False(client.InRound);
    }

    [Test]
    public void A_pull_of_nothing_is_one_round_even_with_lasting_phantoms()
    {
        var server = SampleProject.Create();
        SampleProject.History(server, 5);
        var client = SampleProject.Create();
        new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Pull));
        client.Write(
            () => client.AddPhantoms([ArtifactHash.Compute(HashKind.Sha3, "nobody has this"u8)], isPrivate: false));

        var report = new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Pull), seed: 2);

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal(1, report.Rounds);
        Assert.Single(report.Missing);
    }

    [Test]
    public void Phantoms_that_never_arrive_are_reported_and_do_not_block_the_rest()
    {
        var (client, server) = Pair("s", 3);
        var missing = ArtifactId.Parse(new string('9', 40));
        client.Write(() => client.AddPhantoms([missing], isPrivate: false));
        SampleProject.CheckIn(server, "new", default, ("n", "new"));

        var report = new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Pull));

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal([missing], report.Missing);
        Assert.True(report.Rounds <= 5);
        Assert.Empty(server.HeldIds().Except(client.HeldIds()));
    }

    /// <summary>
    /// Stock sends artifacts of one date as deltas of each other, and what changed its permission alone as a delta of
    /// itself; for a clone of version 1 it sends what it has stored.
    /// </summary>
    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void Delta_cycles_are_requested_with_a_clone_card_or_given_up(bool mayClone)
    {
        var text = new string('x', 400);
        var texts = new[] { text + "a", text + "b", text + "c" }.Select(Encoding.UTF8.GetBytes).ToArray();
        var ids = Array.ConvertAll(texts, t => ArtifactHash.Compute(HashKind.Sha3, t));
        int[] rest = [1, 0, 2];
        var client = SampleProject.Create();
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        var rounds = 0;
        for (; session.TryBuildRequest(DirectExchange.Now, Cleared(request)); rounds++)
        {
            Assert.True(rounds < 15);
            session.Receive(DirectExchange.Now, Answer(Encoding.UTF8.GetString(request.WrittenSpan)));
        }

        Assert.True(session.Report.IsOk, session.Report.Fault?.Text);
        if (mayClone)
        {
            Assert.Equal(ids.Order(), client.HeldIds());
            Assert.Empty(session.Report.Missing);
        }
        else
        {
            Assert.Empty(client.HeldIds());
            Assert.Contains(ids[2], session.Report.Missing);
            Assert.Equal(2, session.Report.Missing.Count);
        }

        byte[] Answer(string asked)
        {
            var reply = new ArrayBufferWriter<byte>();
            var writer = new EdgeSync.Fossil.Xfer.XferWriter(reply);
            var isClone = asked.Contains("\nclone\n", StringComparison.Ordinal);
            if (isClone && !mayClone) return "error not\\sauthorized\\sto\\sclone\n"u8.ToArray();
            if (isClone)
                Assert.True(
                    asked.IndexOf(
                        "\nclone\n", StringComparison.Ordinal) < asked.IndexOf("\ngimme ", StringComparison.Ordinal));

            for (var i = 0; i < ids.Length; i++)
            {
                if (rounds == 0) writer.IGot(ids[i], isPrivate: false);
                if (!asked.Contains($"\ngimme {ids[i]}\n", StringComparison.Ordinal)) continue;

                if (isClone && i > 0) writer.File(ids[i], default, false, texts[i]);
                else
                    writer.File(
                        ids[i], ids[rest[i]], false,
                        EdgeSync.Fossil.Delta.DeltaEncoder.Encode(texts[rest[i]], texts[i]));
            }

            return reply.WrittenSpan.ToArray();
        }
    }

    [Test]
    public void Links_sent_by_a_server_are_ignored()
    {
        var client = SampleProject.Create();
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));

        session.Receive(DirectExchange.Now, "pragma link http://elsewhere/ git 1700000000\n"u8.ToArray());

        Assert.False(session.TryBuildRequest(DirectExchange.Now, Cleared(request)));
        Assert.True(session.Report.IsOk, session.Report.Fault?.Text);
        Assert.Null(client.Config.Get("syncwith:http://elsewhere/"));
    }

    [Test]
    public void A_clock_that_differs_is_reported()
    {
        var (client, server) = Pair("s", 2);
        var exchange = new DirectExchange(server);
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));

        session.Receive(
            DirectExchange.Now,
            exchange.Answer(request.WrittenSpan.ToArray(), DirectExchange.Now + TimeSpan.FromMinutes(1)));

        Assert.Equal(TimeSpan.FromMinutes(1), session.Report.ClockSkew);
    }

    [Test]
    public void A_slow_reply_is_not_clock_skew()
    {
        var (client, server) = Pair("s", 2);
        var exchange = new DirectExchange(server);
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));

        var reply = exchange.Answer(request.WrittenSpan.ToArray(), DirectExchange.Now);
        session.Receive(DirectExchange.Now + TimeSpan.FromMinutes(1), reply);

        Assert.Null(session.Report.ClockSkew);
    }

    [Test]
    public void A_cookie_is_kept_and_sent_back()
    {
        var client = SampleProject.Create();
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));
        session.Receive(DirectExchange.Now, "cookie yum\n"u8.ToArray());
        using var next = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(2));
        request.ResetWrittenCount();

        Assert.True(next.TryBuildRequest(DirectExchange.Now, request));

        Assert.Contains("\ncookie yum\n", Encoding.UTF8.GetString(request.WrittenSpan), StringComparison.Ordinal);
    }

    [Test]
    public void A_lost_reply_is_made_good_by_the_next_request()
    {
        var (client, server) = Pair("s", 3);
        var exchange = new DirectExchange(server);
        SampleProject.CheckIn(client, "new", default, ("n", "new"));
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Sync), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));
        var reply = exchange.Answer(request.WrittenSpan.ToArray());
        session.BeginReply(DirectExchange.Now);
        session.Feed(new ReadOnlySequence<byte>(reply, 0, reply.Length / 2), isFinal: false, out _);
        session.OnLost();

        while (session.TryBuildRequest(DirectExchange.Now, Cleared(request)))
            session.Receive(DirectExchange.Now, exchange.Answer(request.WrittenSpan.ToArray()));

        Assert.True(session.Report.IsOk);
        Assert.Equal(client.HeldIds(), server.HeldIds());
        Assert.False(client.InRound);
    }

    [Test]
    public void A_truncated_reply_keeps_its_whole_artifacts_and_requests_the_rest()
    {
        var server = SampleProject.Create();
        for (var i = 0; i < 10; i++) server.Add(new Prng((ulong)i).NextBytes(20_000));
        var client = SampleProject.Create();
        var exchange = new DirectExchange(server);
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        var held = client.HeldIds().Count;
        var (kept, came) = (0, 0L);
        for (var i = 0; session.TryBuildRequest(DirectExchange.Now, Cleared(request)); i++)
        {
            var reply = exchange.Answer(request.WrittenSpan.ToArray());
            var isCut = reply.Length > 60_000;
            came += isCut ? 50_000 : reply.Length;
            if (isCut) kept += session.ReceiveFront(DirectExchange.Now, reply.AsMemory(0, 50_000)) ? 1 : 0;
            else session.Receive(DirectExchange.Now, reply);
            if (isCut) Assert.Equal(held + (2 * kept), client.HeldIds().Count);
            Assert.True(i < 20);
        }

        Assert.True(session.Report.IsOk, session.Report.Fault?.Text);
        Assert.Equal(server.HeldIds(), client.HeldIds());
        Assert.True(kept >= 4 && came < 300_000, $"{kept} times kept, {came} bytes");
        Assert.False(client.InRound);
    }

    [Test]
    public void A_front_without_anything_whole_is_a_lost_reply()
    {
        var server = SampleProject.Create();
        server.Add(new Prng(1).NextBytes(20_000));
        var client = SampleProject.Create();
        var exchange = new DirectExchange(server);
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Pull), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        session.TryBuildRequest(DirectExchange.Now, request);
        session.Receive(DirectExchange.Now, exchange.Answer(request.WrittenSpan.ToArray()));
        session.TryBuildRequest(DirectExchange.Now, Cleared(request));

        Assert.False(
            session.ReceiveFront(DirectExchange.Now, exchange.Answer(request.WrittenSpan.ToArray()).AsMemory(0, 5000)));
        session.TryBuildRequest(DirectExchange.Now, Cleared(request));
        session.Receive(DirectExchange.Now, "# nothing today\n"u8.ToArray());   // shorter than what was missing

        Assert.True(session.Report.IsOk, session.Report.Fault?.Text);
    }

    [Test]
    public void A_request_refused_for_its_size_becomes_smaller()
    {
        var client = SampleProject.Create();
        for (var i = 0; i < 10; i++) client.Add(new Prng((ulong)i).NextBytes(20_000));
        using var session = new ClientSession(
            client, SampleProject.Options(SyncActions.Push) with { RequestBytesFirst = 100_000 }, new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));
        var before = request.WrittenCount;

        session.OnLost(tooLarge: true);
        Assert.True(session.TryBuildRequest(DirectExchange.Now, Cleared(request)));

        Assert.InRange(request.WrittenCount, 20_000, before / 2);
    }

    [Test]
    public void A_push_ignores_artifacts_it_did_not_request()
    {
        var client = SampleProject.Create();
        using var session = new ClientSession(client, SampleProject.Options(SyncActions.Push), new SeededEntropy(1));
        var request = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(DirectExchange.Now, request));
        var text = "surprise"u8.ToArray();

        session.Receive(
            DirectExchange.Now,
            Encoding.UTF8.GetBytes($"file {ArtifactHash.Compute(HashKind.Sha3, text)} 8\nsurprise"));

        Assert.Empty(client.HeldIds());
    }

    [Test]
    public void A_lock_of_another_user_is_in_the_report()
    {
        var (client, server) = Pair("s", 2);
        var tip = SampleProject.CheckIn(server, "tip", default, ("f", "x"));
        var options = SampleProject.Options(SyncActions.Pull) with { Lock = new CheckinLockRequest(tip) };

        var first = new DirectExchange(server).Run(client, options with { ClientId = new string('1', 40) });
        var second = new DirectExchange(server).Run(client, options with { ClientId = new string('2', 40) }, seed: 2);

        Assert.Null(first.LockHolder);
        Assert.Equal("tester", second.LockHolder);
    }

    [Test]
    public void Configuration_goes_both_ways_and_the_newer_row_wins()
    {
        var (client, server) = Pair("s", 1);
        server.Write(() =>
        {
            server.Config.Set("project-name", "servers", 10);
            server.Config.Set("css", "old", 5);
        });
        client.Write(() =>
        {
            client.Config.Set("project-name", "clients", 5);
            client.Config.Set("css", "new", 10);
        });

        var pulled = new DirectExchange(server).Run(
            client, SampleProject.Options(SyncActions.None) with { ConfigPull = ConfigAreas.All });
        var pushed = new DirectExchange(server).Run(
            client, SampleProject.Options(SyncActions.None) with { ConfigPush = ConfigAreas.Skin | ConfigAreas.Css },
            seed: 2);

        Assert.True(pulled.IsOk && pushed.IsOk);
        Assert.Equal("servers", client.Config.Get("project-name"));
        Assert.Equal("new", client.Config.Get("css"));
        Assert.Equal("new", server.Config.Get("css"));
    }

    private static ArrayBufferWriter<byte> Cleared(ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        return buffer;
    }

    private static (MemoryArtifactStore Client, MemoryArtifactStore Server) Pair(string capabilities, int checkIns)
    {
        var server = SampleProject.Create(capabilities, nobody: "gjorz");
        SampleProject.History(server, checkIns);
        var client = new MemoryArtifactStore(null, new string('b', 40));
        var report = new DirectExchange(server).Run(client, SampleProject.Options(SyncActions.Clone));
        Invariant.Require(report.IsOk);
        return (client, server);
    }
}
