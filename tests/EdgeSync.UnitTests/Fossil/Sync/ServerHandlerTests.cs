using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Sync;

public class ServerHandlerTests
{
    private const string Version = "pragma client-version 22100 20230226 192424\n";
    private static readonly string Pull = $"pull x {SampleProject.Code}\n";
    private static readonly string Push = $"push x {SampleProject.Code}\n";

    [Test]
    [Arguments("pull x {P}\n", "", "error not\\sauthorized\\sto\\sread\n")]
    [Arguments("push x {P}\n", "o", "error not\\sauthorized\\sto\\swrite\n")]
    [Arguments("pull x {P}\npush x {P}\n", "o", "message pull\\sonly\\s-\\snot\\sauthorized\\sto\\spush\n")]
    [Arguments("clone 3 1\n", "o", "error not\\sauthorized\\sto\\sclone\n")]
    [Arguments("file {H} 1\nx", "oi", "error not\\sauthorized\\sto\\swrite\n")]
    [Arguments("config /config 5\n5 'a'\n", "oi", "error not\\sauthorized\\sto\\spush\\sconfiguration\n")]
    [Arguments("pragma send-private\n", "s", "error not\\sauthorized\\sto\\ssync\\sprivate\\scontent\n")]
    [Arguments("pull x 1111111111111111111111111111111111111111\n", "s", "error wrong\\sproject\n")]
    [Arguments("gimme nonsense\n", "s", "error bad\\scommand:\\sgimme\\snonsense\\n\n")]
    [Arguments("\n", "s", "error bad\\scommand:\\s\\n\n")]
    [Arguments("clone_seqno 5\n", "s", "error bad\\scommand:\\sclone_seqno\\s5\\n\n")]
    [Arguments("push x {P}\nfile {H} nonsense\n", "i", "error malformed\\sfile\\sline\n")]
    [Arguments("push x {P}\nfile {H} 100\nshort", "i", "error malformed\\sfile\\sline\n")]
    public void A_denied_request_gets_stocks_error(string request, string capabilities, string expected)
    {
        var store = SampleProject.Create("", nobody: capabilities);
        var text = request.Replace("{P}", SampleProject.Code, StringComparison.Ordinal)
            .Replace("{H}", new string('1', 40), StringComparison.Ordinal);

        var reply = new DirectExchange(store).AnswerText(text);

        Assert.Contains(expected, reply, StringComparison.Ordinal);
    }

    /// <summary>Stock lists its other peers on request; we do not.</summary>
    [Test]
    public void A_request_for_links_is_answered_as_one_without_it()
    {
        var store = SampleProject.Create();
        SampleProject.History(store, 3);

        var asked = new DirectExchange(store).AnswerText(
            "pragma req-links\npragma client-url http://here/\n" + Version + Pull);

        Assert.Equal(new DirectExchange(store).AnswerText(Version + Pull), asked);
    }

    // Which cards have an effect for which user.
    [Test]
    [Arguments("", false, false, false, false)]
    [Arguments("o", true, false, false, false)]
    [Arguments("i", true, true, false, false)]
    [Arguments("g", false, false, true, false)]
    [Arguments("a", true, true, true, true)]
    [Arguments("s", true, true, true, true)]
    [Arguments("v", true, true, false, false)]
    public void Capabilities_decide_for_every_operation(string letters, bool pull, bool push, bool clone, bool config)
    {
        Assert.Equal(pull, IsAllowed(Pull));
        Assert.Equal(push, IsAllowed(Push));
        Assert.Equal(clone, IsAllowed("clone 3 1\n"));
        Assert.Equal(config, IsAllowed("config /config 17\n5 'css' value 'x'\n"));
        Assert.Equal(config, Answer("reqconfig /user\n").Contains("config /user", StringComparison.Ordinal));

        bool IsAllowed(string request) => !Answer(request).Contains("error ", StringComparison.Ordinal);

        string Answer(string request)
        {
            var store = SampleProject.Create(letters, nobody: "");
            store.Write(() => store.Config.Merge(
                new ConfigRow(ConfigTable.User, "tester", 5, [("cap", new ConfigValue("s"))]), overwrite: false));
            return new DirectExchange(store).AnswerText(Signed(request));
        }
    }

    [Test]
    public void A_signature_is_good_for_its_body_only()
    {
        var store = SampleProject.Create("s", nobody: "");
        var signed = Signed(Pull);

        var good = new DirectExchange(store).AnswerText(signed);
        var tampered = new DirectExchange(store).AnswerText(signed + $"gimme {new string('1', 40)}\n");

        Assert.DoesNotContain("error ", good, StringComparison.Ordinal);
        Assert.StartsWith("error login\\sfailed\n", tampered, StringComparison.Ordinal);
    }

    /// <summary>
    /// Since 2.27 clients log in beside the message (R1). What is refused: a card for another message, two cards
    /// whichever way they come, and any other card there, which no nonce covers.
    /// </summary>
    [Test]
    [Arguments("{L}", "{B}", true)]
    [Arguments("{L}", "{B}# more\n", false)]
    [Arguments("{L}\n{L}", "{B}", false)]
    [Arguments("{L}", "{L}\n{B}", false)]
    [Arguments("login tester 1 2", "{B}", false)]
    [Arguments("", "{B}", null)]
    [Arguments("logout", "{B}", null)]
    [Arguments("config /config 17\n5 'css' value 'x'\n", "{B}", null)]
    public void A_login_card_beside_the_message_signs_all_of_it(string beside, string message, bool? isLoggedIn)
    {
        var store = SampleProject.Create("s", nobody: "");
        var signed = Signed(Pull);
        var card = signed[..signed.IndexOf('\n', StringComparison.Ordinal)];
        var exchange = new DirectExchange(store);

        exchange.Answer(Bytes(message), loginCard: Bytes(beside));

        Assert.Equal(isLoggedIn == true ? "tester" : null, exchange.Outcomes[0].Login);
        Assert.Equal(isLoggedIn == false, exchange.Outcomes[0].LoginFailed);
        Assert.Equal(isLoggedIn == true, exchange.Outcomes[0].Error is null);
        Assert.Null(store.Config.Get("css"));

        byte[] Bytes(string text) => Encoding.UTF8.GetBytes(
            text.Replace("{L}", card, StringComparison.Ordinal).Replace("{B}", Pull, StringComparison.Ordinal));
    }

    [Test]
    [Arguments("developer")]
    [Arguments("reader")]
    [Arguments("unknown")]
    [Arguments("empty")]
    [Arguments("expired")]
    public void Some_users_never_log_in(string user)
    {
        var store = SampleProject.Create("s", nobody: "");
        store.Write(() =>
        {
            store.State.Users["empty"] = new UserAccount(9, "empty", "", "s");
            store.State.Users["expired"] = new UserAccount(
                10, "expired", XferLogin.SharedSecret(SampleProject.Code, "expired", "secret"), "s", IsExpired: true);
        });
        var secret = user == "expired" ? XferLogin.SharedSecret(SampleProject.Code, "expired", "secret") : "";

        var exchange = new DirectExchange(store);
        exchange.AnswerText(Signed(Pull, user, secret));

        Assert.Equal("login failed", exchange.Outcomes[0].Error);
        Assert.True(exchange.Outcomes[0].LoginFailed);
    }

    [Test]
    [Arguments("nobody")]
    [Arguments("anonymous")]
    public void Logins_nobody_and_anonymous_need_no_password(string user)
    {
        var reply = new DirectExchange(
            SampleProject.Create("s", nobody: "o")).AnswerText(Signed(Pull, user, "whatever"));

        Assert.DoesNotContain("error ", reply, StringComparison.Ordinal);
    }

    /// <summary>
    /// A content that comes back, or whose permission alone changed, must not be sent as a delta of what rests on it.
    /// </summary>
    [Test]
    public void No_artifact_is_ever_sent_as_a_delta_that_leads_back_to_itself()
    {
        var store = SampleProject.Create();
        var text = new string('x', 400);
        var a = store.Add(Encoding.UTF8.GetBytes(text + "a"));
        var b = store.Add(Encoding.UTF8.GetBytes(text + "b"));
        var c = store.Add(Encoding.UTF8.GetBytes(text + "c"));
        Replaced(a, b);
        Replaced(b, a);
        Replaced(c, c);
        var exchange = new DirectExchange(store);

        var apart = string.Concat(new[] { a, b, c }.Select(id => exchange.AnswerText($"{Version}{Pull}gimme {id}\n")));
        var together = exchange.AnswerText($"{Version}{Pull}gimme {b}\ngimme {a}\ngimme {c}\n");

        foreach (var reply in new[] { apart, together })
        {
            Assert.Contains($"file {a} {text.Length + 1}\n", reply, StringComparison.Ordinal);
            Assert.Contains($"file {b} {a} ", reply, StringComparison.Ordinal);
            Assert.Contains($"file {c} {text.Length + 1}\n", reply, StringComparison.Ordinal);
        }

        void Replaced(ArtifactId id, ArtifactId predecessor) => store.Write(() =>
        {
            var row = store.State.ById[id] with { Predecessor = predecessor };
            store.State.ById[id] = store.State.ByRid[(int)row.Rid.Value - 1] = row;
        });
    }

    /// <summary>
    /// Stock's <c>sync --private</c> requests its private phantoms and announces them, in one request (R2).
    /// </summary>
    [Test]
    public void A_gimme_is_served_for_announced_but_not_for_just_received_artifacts()
    {
        var store = SampleProject.Create("sx", nobody: "");
        var secret = store.Add("a private text"u8.ToArray(), isPrivate: true);
        var known = store.Add("a public text"u8.ToArray());
        var exchange = new DirectExchange(store);

        var reply = exchange.AnswerText(Signed(
            $"{Version}{Pull}{Push}pragma send-private\ngimme {secret}\ngimme {known}\n"
            + $"igot {secret} 1\nigot {known}\n"));
        var again = exchange.AnswerText(Signed($"{Version}{Pull}{Push}file {known} 13\na public textgimme {known}\n"));

        Assert.Contains($"private\nfile {secret} 14\na private text", reply, StringComparison.Ordinal);
        Assert.Contains($"file {known} 13\na public text", reply, StringComparison.Ordinal);
        Assert.DoesNotContain($"file {known}", again, StringComparison.Ordinal);
    }

    /// <summary>Few bytes of question must not draw many of answer (S12).</summary>
    [Test]
    [Arguments("reqconfig /all\n")]
    [Arguments("reqconfig /user\n")]
    [Arguments("clone 3 1\n")]
    public void A_repeated_reqconfig_is_served_once(string card)
    {
        var store = SampleProject.Create("s");
        SampleProject.History(store, 5);

        var once = new DirectExchange(store).AnswerText(Signed(card));
        var often = new DirectExchange(store).AnswerText(Signed(string.Concat(Enumerable.Repeat(card, 50))));

        Assert.Equal(once, often);
    }

    [Test]
    public void A_request_creates_a_bounded_number_of_phantoms()
    {
        var store = SampleProject.Create(nobody: "oi");
        var ids = Enumerable.Range(1, 5000).Select(i => $"igot {i:x40}\n");

        var reply = new DirectExchange(
            store, new ServerOptions { PhantomsMax = 3000 }).AnswerText(Push + string.Concat(ids));

        Assert.Equal(3000, store.Phantoms.Count());
        Assert.Contains("message 2000\\sof\\sthe\\sannounced", reply, StringComparison.Ordinal);
    }

    [Test]
    public void A_request_looks_up_a_bounded_number_of_announcements()
    {
        var store = SampleProject.Create(nobody: "oi");
        var ids = Enumerable.Range(1, 7000).Select(i => $"igot {i:x40}\n");

        var reply = new DirectExchange(
            store, new ServerOptions { AnnouncementsMax = 3000 }).AnswerText(Push + string.Concat(ids));

        Assert.Equal(3000, store.Phantoms.Count());
        Assert.Contains("message 4000\\sof\\sthe\\sannounced", reply, StringComparison.Ordinal);
    }

    /// <summary>Stock stores it, as public (S13).</summary>
    [Test]
    public void A_private_file_of_a_client_that_may_not_send_such_is_not_stored_at_all()
    {
        var store = SampleProject.Create("oi", nobody: "");
        var id = ArtifactHash.Compute(HashKind.Sha3, "secret"u8);

        var reply = new DirectExchange(store).AnswerText(Signed($"{Push}private\nfile {id} 6\nsecret"));

        Assert.Contains("error not\\sauthorized\\sto\\ssync\\sprivate\\scontent", reply, StringComparison.Ordinal);
        Assert.DoesNotContain(id, store.HeldIds(withPrivate: true));
    }

    [Test]
    public void A_delta_of_itself_is_not_requested_again_in_the_reply()
    {
        var store = SampleProject.Create(nobody: "oi");
        var text = Encoding.UTF8.GetBytes(new string('x', 200));
        var id = ArtifactHash.Compute(HashKind.Sha3, text);
        var delta = Encoding.UTF8.GetString(DeltaEncoder.Encode(text, text));
        var exchange = new DirectExchange(store, new ServerOptions());

        var announced = exchange.AnswerText($"{Push}igot {id}\n");
        var circular = exchange.AnswerText($"{Push}file {id} {id} {delta.Length}\n{delta}");
        var later = exchange.AnswerText(Push);
        for (var i = 0; i < 2; i++) exchange.AnswerText($"{Push}file {id} {id} {delta.Length}\n{delta}");
        var inTheEnd = exchange.AnswerText(Push);

        Assert.Contains($"gimme {id}\n", announced, StringComparison.Ordinal);
        Assert.DoesNotContain("gimme ", circular, StringComparison.Ordinal);
        Assert.DoesNotContain("error ", circular, StringComparison.Ordinal);
        Assert.Contains("message ", circular, StringComparison.Ordinal);
        Assert.Contains($"gimme {id}\n", later, StringComparison.Ordinal);
        Assert.DoesNotContain("gimme ", inTheEnd, StringComparison.Ordinal);
    }

    [Test]
    public void A_second_login_card_is_refused()
    {
        var exchange = new DirectExchange(SampleProject.Create());

        exchange.AnswerText(Signed(Signed(Pull)));

        Assert.Equal("login failed", exchange.Outcomes[0].Error);
    }

    [Test]
    public void A_wrong_hash_rolls_the_whole_request_back()
    {
        var store = SampleProject.Create("s", nobody: "i");
        var good = Encoding.UTF8.GetBytes("good text");
        var goodId = ArtifactHash.Compute(HashKind.Sha3, good);

        var reply = new DirectExchange(store).AnswerText(
            $"{Push}file {goodId} 9\ngood textfile {new string('1', 40)} 3\nbad");

        Assert.StartsWith("error wrong\\shash\\son\\sreceived\\sartifact:\\s1111", reply, StringComparison.Ordinal);
        Assert.EndsWith("errors 1\n", reply, StringComparison.Ordinal);
        Assert.Empty(store.HeldIds());
    }

    [Test]
    public void A_bad_delta_rolls_the_whole_request_back()
    {
        var store = SampleProject.Create("s", nobody: "i");
        var source = store.Add(Encoding.UTF8.GetBytes("a source text"));

        var reply = new DirectExchange(store).AnswerText($"{Push}file {new string('1', 40)} {source} 5\n5\n9@0");

        Assert.StartsWith("error malformed\\sdelta", reply, StringComparison.Ordinal);
        Assert.Single(store.HeldIds());
    }

    [Test]
    public void A_delta_without_its_source_waits_and_the_source_is_requested()
    {
        var store = SampleProject.Create("s", nobody: "i");
        var source = Encoding.UTF8.GetBytes(new string('x', 200) + "source");
        var target = Encoding.UTF8.GetBytes(new string('x', 200) + "target");
        var (sourceId, targetId) = (
            ArtifactHash.Compute(HashKind.Sha3, source), ArtifactHash.Compute(HashKind.Sha3, target));
        var delta = Encoding.UTF8.GetString(DeltaEncoder.Encode(source, target));
        var exchange = new DirectExchange(store);

        var reply = exchange.AnswerText($"{Push}file {targetId} {sourceId} {delta.Length}\n{delta}");
        Assert.Contains($"gimme {sourceId}\n", reply, StringComparison.Ordinal);
        Assert.Empty(store.HeldIds());

        exchange.AnswerText($"{Push}file {sourceId} {source.Length}\n{Encoding.UTF8.GetString(source)}");
        Assert.Equal(2, store.HeldIds().Count);
    }

    [Test]
    public void Upper_case_names_are_ignored()
    {
        var store = SampleProject.Create("s", nobody: "i");

        var reply = new DirectExchange(store).AnswerText($"{Push}igot {new string('A', 40)}\n");

        Assert.DoesNotContain("error ", reply, StringComparison.Ordinal);
        Assert.Empty(store.Phantoms);
    }

    [Test]
    public void Announced_artifacts_are_requested_except_shunned_ones()
    {
        var store = SampleProject.Create("s", nobody: "i");
        var shunned = ArtifactId.Parse(new string('2', 40));
        store.Shun(shunned);

        var reply = new DirectExchange(store).AnswerText($"{Push}igot {new string('1', 40)}\nigot {shunned}\n");

        Assert.Contains($"gimme {new string('1', 40)}\n", reply, StringComparison.Ordinal);
        Assert.DoesNotContain(shunned.ToString(), reply, StringComparison.Ordinal);
    }

    [Test]
    public void The_number_of_gimme_cards_is_bounded()
    {
        var store = SampleProject.Create("s", nobody: "i");
        var igots = string.Concat(Enumerable.Range(0, 50).Select(i => $"igot {i:x40}\n"));

        var reply = new DirectExchange(store, new ServerOptions { GimmesMax = 7 }).AnswerText(Push + igots);

        Assert.Equal(7, reply.Split("gimme ").Length - 1);
        Assert.Equal(50, store.Phantoms.Count());
    }

    [Test]
    public void A_full_reply_announces_what_did_not_fit()
    {
        var store = SampleProject.Create("s", nobody: "o");
        var ids = Enumerable.Range(0, 10)
            .Select(i => store.Add(Encoding.UTF8.GetBytes($"{i}" + new string('x', 90)))).ToList();
        var gimmes = string.Concat(ids.Select(id => $"gimme {id}\n"));

        var reply = new DirectExchange(
            store, new ServerOptions { ReplyBytesMax = 400 }).AnswerText(Version + Pull + gimmes);

        Assert.Equal(3, reply.Split("file ").Length - 1);
        Assert.Equal(7, reply.Split("igot ").Length - 1);
    }

    [Test]
    public void A_client_before_2_0_gets_an_error_for_SHA3_names()
    {
        var store = SampleProject.Create("s", nobody: "og");
        var id = store.Add("text"u8.ToArray());

        var pulled = new DirectExchange(store).AnswerText($"{Pull}gimme {id}\n");
        var cloned = new DirectExchange(store).AnswerText("clone 3 1\n");

        Assert.Contains("error Fossil\\sversion\\s2.0\\sor\\slater\\srequired.\n", pulled, StringComparison.Ordinal);
        Assert.Contains("error Fossil\\sversion\\s2.0\\sor\\slater\\srequired.\n", cloned, StringComparison.Ordinal);
    }

    [Test]
    public void Without_capability_x_private_artifacts_are_only_announced()
    {
        var store = SampleProject.Create("s", nobody: "o");
        var id = store.Add("private text"u8.ToArray(), isPrivate: true);

        var reply = new DirectExchange(store).AnswerText($"{Version}{Pull}gimme {id}\n");

        Assert.Contains($"igot {id} 1\n", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("file ", reply, StringComparison.Ordinal);
    }

    [Test]
    public void Only_whitelisted_configuration_leaves()
    {
        var store = SampleProject.Create("s", nobody: "o");
        store.Write(() =>
        {
            store.Config.Set("project-name", "sample", 5);
            store.Config.Set("last-sync-pw", "hidden", 5);
            store.Config.Merge(
                new ConfigRow(ConfigTable.User, "tester", 5, [("pw", new ConfigValue("hidden"))]), false);
            store.Config.Merge(
                new ConfigRow(ConfigTable.Concealed, new string('1', 40), 5, [("content", new ConfigValue("hidden"))]),
                false);
        });

        var reply = new DirectExchange(store).AnswerText("reqconfig /all\nreqconfig /user\nreqconfig last-sync-pw\n");

        Assert.Contains("'project-name' value 'sample'", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", reply, StringComparison.Ordinal);
    }

    [Test]
    public void A_lock_excludes_others_until_released_or_expired()
    {
        var store = SampleProject.Create("i", nobody: "o");
        var tip = SampleProject.CheckIn(store, "tip", default, ("f", "1"));
        var (one, two) = (new string('1', 40), new string('2', 40));
        var exchange = new DirectExchange(store);
        var start = DirectExchange.Now;

        Assert.DoesNotContain("ci-lock-fail", Ask($"pragma ci-lock {tip} {one}\n", start), StringComparison.Ordinal);
        Assert.DoesNotContain("ci-lock-fail", Ask($"pragma ci-lock {tip} {one}\n", start), StringComparison.Ordinal);
        Assert.Contains(
            $"pragma ci-lock-fail tester {start.UnixSeconds}\n",
            Ask($"pragma ci-lock {tip} {two}\n", start),
            StringComparison.Ordinal);
        Assert.DoesNotContain(
            "ci-lock-fail", Ask($"pragma ci-lock {tip} {two}\n", start + TimeSpan.FromSeconds(61)),
            StringComparison.Ordinal);
        Ask($"pragma ci-unlock {two}\n", start + TimeSpan.FromSeconds(61));
        Assert.DoesNotContain(
            "ci-lock-fail", Ask($"pragma ci-lock {tip} {one}\n", start + TimeSpan.FromSeconds(62)),
            StringComparison.Ordinal);

        string Ask(string body, Instant now) =>
            Encoding.UTF8.GetString(exchange.Answer(Encoding.UTF8.GetBytes(Signed(body)), now));
    }

    [Test]
    public void A_lock_ends_when_the_check_in_has_a_child()
    {
        var store = SampleProject.Create("i", nobody: "o");
        var tip = SampleProject.CheckIn(store, "tip", default, ("f", "1"));
        var exchange = new DirectExchange(store);
        exchange.AnswerText(Signed($"pragma ci-lock {tip} {new string('1', 40)}\n"));
        SampleProject.CheckIn(store, "child", tip, ("f", "2"));

        var reply = exchange.AnswerText(Signed($"pragma ci-lock {tip} {new string('2', 40)}\n"));

        Assert.DoesNotContain("ci-lock-fail", reply, StringComparison.Ordinal);
    }

    [Test]
    public void A_read_only_repository_serves_pulls_and_refuses_pushes()
    {
        var store = SampleProject.Create("s", nobody: "oig");
        store.Add("text"u8.ToArray());
        store.IsReadOnly = true;

        Assert.Contains("igot ", new DirectExchange(store).AnswerText(Version + Pull), StringComparison.Ordinal);
        Assert.Contains(
            "error not\\sauthorized\\sto\\swrite", new DirectExchange(store).AnswerText(Push),
            StringComparison.Ordinal);
    }

    [Test]
    public void No_request_makes_it_throw_or_leave_a_round_open()
    {
        var seed = Signed(
            $"{Version}{Pull}{Push}igot {new string('1', 40)}\ngimme {new string('2', 40)}\npragma uv-hash "
                + $"{new string('3', 40)}\n"
            + $"uvfile a 5 {new string('4', 40)} 3 0\nabcconfig /config 17\n5 'css' value 'x'\n\nclone 3 1\nfile "
                + $"{new string('5', 40)} 3\nxyz"
            + "reqconfig /all\npragma send-private\nprivate\npragma xtable-hash\nxigot t 5 6\n");
        Property.Check(
            prng =>
            {
                var store = SampleProject.Create("sxy", nobody: "oigxy");
                var request = Encoding.UTF8.GetBytes(
                    prng.Chance(0.5) ? seed : seed[(seed.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
                for (var i = prng.NextInt32(0, 5); i > 0; i--)
                {
                    var at = prng.NextInt32(request.Length);
                    request[at] = prng.Pick<byte>("\n 0159azAZ-_/'#\\\0\xff"u8);
                }

                new DirectExchange(store).Answer(request[..prng.NextInt32(request.Length + 1)]);
                Assert.False(store.InRound);
            },
            runs: 400);
    }

    private static string Signed(string body, string user = "tester", string? secret = null)
    {
        var output = new ArrayBufferWriter<byte>();
        XferLogin.Write(
            new XferWriter(output),
            user,
            secret ?? XferLogin.SharedSecret(SampleProject.Code, user, "secret"),
            Encoding.UTF8.GetBytes(body));
        return Encoding.UTF8.GetString(output.WrittenSpan) + body;
    }
}
