using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Http;

/// <summary>
/// Requests of an enemy, and of a friend on a bad line. Each is refused; afterwards the repository holds what it held,
/// both programs find it whole, and the server still serves.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class HostileTests(GeneratedHistory history) : IDisposable
{
    private const string Codes = "0123456789012345678901234567890123456789 5eed0123456789abcdef0123456789abcdef0123";
    private const string ProjectCode = "5eed0123456789abcdef0123456789abcdef0123";

    private static readonly string Unknown = new('a', 64);

    private readonly Workbench _bench = new("hostile");
    private RunningLeaf? _server;
    private RepositoryTables? _before;

    public void Dispose()
    {
        _server?.Dispose();
        _bench.Dispose();
    }

    [Test]
    public void Truncated_zlib_is_refused()
    {
        var port = Begin();
        var body = XferMessage.Compress(Push(new XferMessage().File("some content"u8.ToArray())));

        for (var size = 5; size < body.Length; size += 13) MustBeRefused(RawHttp.Post(port, body[..size]));

        MustBeUntouched();
    }

    [Test]
    public void A_claimed_size_is_not_believed()
    {
        var port = Begin();
        var cards = Push(new XferMessage().File("some content"u8.ToArray()));

        MustBeRefused(RawHttp.Post(port, XferMessage.Compress(cards, claimedSize: 10)));
        MustBeRefused(RawHttp.Post(port, XferMessage.Compress(cards, claimedSize: int.MaxValue)));
        MustBeRefused(RawHttp.Post(port, XferMessage.Compress(cards, claimedSize: -1)));

        MustBeUntouched();
    }

    [Test]
    public void A_zlib_bomb_costs_little()
    {
        var port = Begin();
        var bomb = XferMessage.Compress(new byte[400_000_000]);
        BinaryPrimitives.WriteUInt32BigEndian(bomb, 1000);

        MustBeRefused(RawHttp.Post(port, bomb));

        Assert.True(ResidentBytes() < 250_000_000, $"resident: {ResidentBytes()} bytes");
        MustBeUntouched();
    }

    [Test]
    public void A_body_beyond_the_limit_is_refused_before_it_arrives()
    {
        var port = Begin();

        var reply = RawHttp.Send(port, RawHttp.Head("1.0", "/", XferMessage.ContentType, 100_000_000_000));

        Assert.Equal(413, reply.Status);
        MustBeUntouched();
    }

    [Test]
    [Arguments("{0} 4\nabcd", "the hash of other bytes")]
    [Arguments("{0} 4\nab", "more bytes announced than there are")]
    [Arguments("{0} -1\n", "a negative size")]
    [Arguments("{0} 99999999999999999999\nabcd", "a size beyond 64 bits")]
    [Arguments("{0} 4294967300\nabcd", "a size that wraps to 4")]
    [Arguments("{0} 2147483647\nabcd", "two gigabytes announced")]
    [Arguments("{0}\n", "no size")]
    [Arguments("xyz 4\nabcd", "no hash")]
    [Arguments("{0} {1} 4\nabcd", "a delta that is none")]
    public void A_false_file_is_refused(string arguments, string why)
    {
        var port = Begin();
        var existing = ScalarOf("SELECT uuid FROM blob WHERE size>100 ORDER BY rid LIMIT 1");

        var reply = Send(
            port, new XferMessage().Raw("file " + arguments.Replace("{0}", Unknown).Replace("{1}", existing)));

        MustBeRefused(reply, why);
        MustBeUntouched();
    }

    /// <summary>
    /// Stock makes such cards itself, for files whose permission alone changed: they are passed over.
    /// </summary>
    [Test]
    public void A_delta_of_itself_is_rejected()
    {
        var port = Begin();

        Assert.Equal(200, Send(port, new XferMessage().Raw($"file {Unknown} {Unknown} 8\n1\n1@0,1;")).Status);

        MustBeUntouched();
    }

    /// <summary>Stock would take such a name and wait for its content for ever.</summary>
    [Test]
    [Arguments("igot {0}")]
    [Arguments("file {0} 4\nabcd")]
    [Arguments("gimme {0}")]
    public void Upper_case_hashes_name_nothing(string card)
    {
        var port = Begin();

        Send(port, new XferMessage().Card(card.Replace("{0}", XferMessage.HashOf("abcd"u8).ToUpperInvariant())));

        MustBeUntouched();
    }

    [Test]
    public void Garbage_cards_are_answered_with_errors()
    {
        var port = Begin();

        Assert.Contains(
            "error bad\\scommand", Send(port, new XferMessage().Card("nonsense 1 2 3")).Cards,
            StringComparison.Ordinal);
        Assert.Contains(
            "error bad\\scommand", Send(port, new XferMessage().Card("clone_seqno 0")).Cards, StringComparison.Ordinal);
        Assert.Contains("error ", Send(port, new XferMessage().Raw("\n")).Cards, StringComparison.Ordinal);

        MustBeUntouched();
    }

    [Test]
    public void Random_bytes_after_a_valid_login_are_harmless()
    {
        var port = Begin();
        var prng = new Prng(99);
        var corpus = Vectors.List("fuzz", "xfer").Select(File.ReadAllBytes).ToList();

        for (var i = 0; i < 200; i++)
        {
            var reply = Send(
                port, new XferMessage().Raw(Mutation.OfBytes(prng, corpus[prng.NextInt32(corpus.Count)], corpus)));
            Assert.NotEqual(0, reply.Status);
            Assert.True(
                reply.Status is 200 or (>= 400 and < 500), $"round {i}: status {reply.Status}\n{_server!.Errors}");
        }

        End();
        // Deltas whose source never came may have been kept, as by stock; all that was there is there.
        using (var file = new SqliteFile(_bench["origin.fossil"]))
            Assert.Equal("ok", file.Scalar("PRAGMA integrity_check"));
        _bench.Ours.Run("repo", "rebuild", "-R", _bench["origin.fossil"]);
        _bench.Stock.Run("rebuild", _bench["origin.fossil"]);
    }

    /// <summary>
    /// Twenty thousand names of nothing: answered in bounded time and space, and removed on request.
    /// </summary>
    [Test]
    public void Huge_counts_of_names_are_survived()
    {
        var port = Begin();
        var gimmes = new XferMessage();
        var igots = new XferMessage();
        for (var i = 0; i < 20_000; i++)
        {
            var hash = i.ToString("x64", CultureInfo.InvariantCulture);
            gimmes.Card("gimme " + hash);
            igots.Card("igot " + hash);
        }

        Assert.Equal(200, Send(port, gimmes).Status);
        Assert.True(Send(port, igots).Status is 200 or 413);

        Assert.True(ResidentBytes() < 400_000_000, $"resident: {ResidentBytes()} bytes");
        End();
        _bench.Stock.MustBeIntact(_bench["origin.fossil"]);
    }

    /// <summary>An agreed size limit for lines: a line without end is cut off, not stored.</summary>
    [Test]
    public void An_endless_line_is_refused()
    {
        var port = Begin();

        MustBeRefused(Send(port, new XferMessage().Raw("igot " + new string('a', 8_000_000) + "\n")));

        MustBeUntouched();
    }

    /// <summary>
    /// Two deltas, each made of the other. A delta may come before its source, so they are kept, waiting; but nobody
    /// follows the circle, and a clone does not carry it.
    /// </summary>
    [Test]
    public void Circular_deltas_do_no_harm()
    {
        var port = Begin();
        var one = new string('b', 64);
        var two = new string('c', 64);

        Send(port, new XferMessage().Raw($"file {one} {two} 8\n1\n1@0,1;").Raw($"file {two} {one} 8\n1\n1@0,1;"));
        _bench.Stock.Run("clone", _server!.Url, _bench["clone.fossil"]);

        End();
        _bench.Stock.MustBeIntact(_bench["clone.fossil"]);
        RepositoryComparer.MustHoldSameArtifacts(history.Kinds, _bench["clone.fossil"]);
        _bench.Ours.Try("repo", "verify", "-R", _bench["origin.fossil"]);
        using var file = new SqliteFile(_bench["origin.fossil"]);
        Assert.Equal(0, file.Count("SELECT count(*) FROM delta a JOIN delta b ON b.rid=a.srcid AND b.srcid=a.rid"));
    }

    /// <summary>A login seen on the wire opens nothing else: it is bound to its bytes.</summary>
    [Test]
    public void A_replayed_login_signs_no_other_request()
    {
        var port = Begin();
        var seen = XferMessage.Pragma().Card("pull " + Codes).Bytes();
        var line = XferMessage.LoginLine(GeneratedHistory.Login, GeneratedHistory.Password, ProjectCode, seen);
        Assert.DoesNotContain(
            "error", RawHttp.PostPlain(port, [.. line, .. seen]).Cards.Split("# timestamp")[0],
            StringComparison.Ordinal);

        var other = XferMessage.Pragma().Card("push " + Codes).File("stolen"u8.ToArray()).Bytes();
        var reply = RawHttp.PostPlain(port, [.. line, .. other]);

        Assert.Contains("error login\\sfailed", reply.Cards, StringComparison.Ordinal);
        MustBeUntouched();
    }

    [Test]
    [Arguments("developer")]
    [Arguments("reader")]
    [Arguments("empty")]
    [Arguments("nosuchuser")]
    public void Users_without_a_password_do_not_log_in(string login)
    {
        var port = Begin(file => file.Execute("INSERT INTO user(login,pw,cap) VALUES('empty','','s')"));
        var cards = XferMessage.Pragma().Card("push " + Codes).File("stolen"u8.ToArray());
        foreach (var password in new[] { "", " ", login })
            Assert.Contains(
                "error login\\sfailed", RawHttp.PostPlain(port, cards.BytesAs(login, password, ProjectCode)).Cards,
                StringComparison.Ordinal);

        // The hash of nothing is nothing: SIG = SHA1(NONCE) must not open the door.
        var body = cards.Bytes();
        var nonce = Sha1(body);
        Assert.Contains(
            "error login\\sfailed",
            RawHttp.PostPlain(
                port,
                [
                    .. Encoding.ASCII.GetBytes($"login {login} {nonce} {Sha1(Encoding.ASCII.GetBytes(nonce))}\n"),
                    .. body]).Cards, StringComparison.Ordinal);

        MustBeUntouched();
    }

    [Test]
    public void A_write_without_a_login_is_denied()
    {
        var port = Begin();

        foreach (var cards in new[]
        {
            XferMessage.Pragma().Card("push " + Codes).File("x"u8.ToArray()),
            XferMessage.Pragma().File("x"u8.ToArray()),
            XferMessage.Pragma().Card("config /config 41").Raw("1795309470 'timeline-plaintext' value 'no'\n\n"),
            XferMessage.Pragma().Card("uvfile a 1 " + XferMessage.HashOf("x"u8) + " 1 0").Raw("x"),
            XferMessage.Pragma().Card("uvfile a 1 - 0 1"),
            XferMessage.Pragma().Card("pull " + Codes).Card("igot " + Unknown),
            XferMessage.Pragma().Card("schema t 1 0123456789012345678901234567890123456789 1 2").Raw("{}\n"),
            XferMessage.Pragma().Card("cfile " + XferMessage.HashOf("x"u8) + " 1 13").Raw(XferMessage.Compress("x"u8)),
        })
        {
            RawHttp.PostPlain(port, cards.Bytes());
        }

        MustBeUntouched();
    }

    [Test]
    public void A_wrong_project_is_refused()
    {
        var port = Begin();
        var reply = RawHttp.PostPlain(port, XferMessage.Pragma()
            .Card(
                "push 0123456789012345678901234567890123456789 1111111111111111111111111111111111111111").File(
                    "x"u8.ToArray())
            .BytesAs(GeneratedHistory.Login, GeneratedHistory.Password, ProjectCode));

        Assert.Contains("error wrong\\sproject", reply.Cards, StringComparison.Ordinal);
        MustBeUntouched();
    }

    /// <summary>A half-open connection holds no lock and no memory.</summary>
    [Test]
    public void Slow_and_silent_clients_do_not_block_others()
    {
        var port = Begin();
        var silent = Enumerable.Range(0, 40).Select(_ => new System.Net.Sockets.TcpClient("127.0.0.1", port)).ToList();
        foreach (var client in silent.Skip(20))
            client.GetStream().Write(RawHttp.Head("1.0", "/", XferMessage.ContentType, 1000));

        _bench.Stock.Run("clone", _server!.Url, _bench["clone.fossil"]);

        silent.ForEach(client => client.Dispose());
        RepositoryComparer.MustHoldSameArtifacts(_bench["origin.fossil"], _bench["clone.fossil"]);
    }

    private static byte[] Push(XferMessage content) => XferMessage.Pragma().Card("push " + Codes).Raw(content.Bytes())
        .BytesAs(GeneratedHistory.Login, GeneratedHistory.Password, ProjectCode);

    private static RawReply Send(int port, XferMessage content) => RawHttp.PostPlain(port, Push(content));

    private static string Sha1(ReadOnlySpan<byte> bytes) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(bytes));

    private static void MustBeRefused(RawReply reply, string why = "") => Assert.True(
        reply.Status is >= 400 and < 500
        || (reply.Status == 200 && reply.Cards.Contains("error ", StringComparison.Ordinal)),
        $"{why}: status {reply.Status}\n{reply.Cards}");

    private int Begin(Action<SqliteFile>? prepare = null)
    {
        var origin = history.CopyOf("kinds", _bench.Folder, "origin.fossil");
        if (prepare is not null)
        {
            using var file = new SqliteFile(origin, writable: true);
            prepare(file);
        }

        _before = State();
        _server = _bench.Ours.Serve(origin);
        return _server.Port;
    }

    private void End()
    {
        // Still alive after all that.
        Assert.Equal(200, RawHttp.Send(_server!.Port, "GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray()).Status);
        _server.Dispose();
    }

    private void MustBeUntouched()
    {
        End();
        Assert.Equal("", _before!.DifferencesFrom(State()));
        _bench.Stock.MustBeIntact(_bench["origin.fossil"]);
    }

    /// <summary>
    /// All artifacts, phantoms, unversioned files, settings: nothing of it may move. Whoever may pull makes the server
    /// form clusters when they are due, and a daemon notes what it has announced.
    /// </summary>
    private RepositoryTables State()
    {
        using var file = new SqliteFile(_bench["origin.fossil"]);
        return RepositoryComparer.ArtifactsButClusters(
            file, RepositoryTables.OtherQueries, new Dictionary<string, string>
            {
                ["phantom"] = "SELECT uuid FROM blob WHERE size<0",
                ["config"] =
                "SELECT name, value FROM config WHERE name NOT LIKE 'baseurl:%' AND name NOT LIKE 'edgesync:%' AND "
                    + "name<>'uv-hash'",
                ["event"] = "SELECT type, mtime, comment FROM event",
            });
    }

    private string ScalarOf(string sql)
    {
        using var file = new SqliteFile(_bench["origin.fossil"]);
        return (string)file.Scalar(sql)!;
    }

    private long ResidentBytes() => OperatingSystem.IsLinux()
        ? 1024 * long.Parse(
            File.ReadLines($"/proc/{_server!.ProcessId}/status")
            .First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture)
        : 0;
}
