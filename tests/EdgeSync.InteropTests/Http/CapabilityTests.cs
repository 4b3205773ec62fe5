using System.Globalization;
using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Http;

/// <summary>
/// Access: stock and we reply alike to the same cards, for every set of capabilities.
/// </summary>
public sealed class CapabilityTests
{
    private const string Codes = "0123456789012345678901234567890123456789";

    /// <summary>Letters of the user; of nobody; nobody's letters belong to everybody.</summary>
    private static readonly (string User, string Nobody)[] Grants =
    [
        ("", ""), ("g", ""), ("o", ""), ("i", ""), ("gio", ""), ("y", ""), ("iy", ""), ("x", "g"), ("a", ""), ("s", ""),
            ("v", ""), ("u", ""), ("", "go"),
        ("i", "o"), ("e", "go"), ("q", ""),
    ];

    private static readonly (string Name, string[] Cards)[] Requests =
    [
        ("clone", ["clone 3 1"]),
        ("pull", ["pull {codes}"]),
        ("push", ["push {codes}"]),
        ("pull and push", ["pull {codes}", "push {codes}"]),
        ("reqconfig project", ["reqconfig /project"]),
        ("reqconfig user", ["reqconfig /user"]),
        ("reqconfig email", ["reqconfig /email"]),
        ("reqconfig shun", ["reqconfig /shun"]),
        ("uv", ["pragma uv-hash 0000000000000000000000000000000000000000"]),
        ("private", ["pull {codes}", "pragma send-private"]),
    ];

    [Test]
    public void Stock_and_we_grant_the_same()
    {
        using var bench = new Workbench("caps");
        var origin = Prepare(bench);
        File.Copy(origin, bench["ours.fossil"]);
        using var stock = bench.Stock.Serve(origin);
        using var ours = bench.Ours.Serve(bench["ours.fossil"]);
        var code = ProjectCode(origin);
        var differing = new List<string>();

        foreach (var (user, nobody) in Grants)
        {
            foreach (var path in new[] { origin, bench["ours.fossil"] })
            {
                using var file = new SqliteFile(path, writable: true);
                file.Execute(
                    $"UPDATE user SET cap='{user}' WHERE login='bob'; UPDATE user SET cap='{nobody}' WHERE "
                        + $"login='nobody'; UPDATE user SET cap='' WHERE login='anonymous'");
            }

            foreach (var (name, cards) in Requests)
            {
                var message = XferMessage.Pragma();
                foreach (var card in cards) message.Card(card.Replace("{codes}", $"{Codes} {code}"));
                var bytes = message.BytesAs("bob", "pw-of-bob", code);
                var expected = Essence(RawHttp.PostPlain(stock.Port, bytes).Cards);
                var actual = Essence(RawHttp.PostPlain(ours.Port, bytes).Cards);
                if (expected != actual)
                    differing.Add($"bob '{user}', nobody '{nobody}': {name}\n  stock: {expected}\n  ours:  {actual}");
            }
        }

        Assert.True(
            differing.Count == 0,
            $"{differing.Count} of {Grants.Length * Requests.Length} answers "
                + $"differ\n{string.Join('\n', differing.Take(12))}");
    }

    /// <summary>
    /// What a client of 2.27 or later sends in its second round (R1): no login card in the message, but one in a
    /// cookie.
    /// </summary>
    [Test]
    public void A_login_card_in_the_cookie_counts_as_one_in_the_message()
    {
        using var bench = new Workbench("cookie");
        var origin = Prepare(bench);
        var code = ProjectCode(origin);
        using (var file = new SqliteFile(origin, writable: true))
            file.Execute("UPDATE user SET cap='io' WHERE login='bob'; UPDATE user SET cap='' WHERE login='nobody'");
        using var ours = bench.Ours.Serve(origin);
        var body = XferMessage.Pragma().Card($"push {Codes} {code}").File("by cookie\n"u8.ToArray()).Bytes();
        var card = Encoding.ASCII.GetString(XferMessage.LoginLine("bob", "pw-of-bob", code, body)).TrimEnd();

        var nobody = Post("");
        var twice = Post($"Cookie: x-f-l-c={card.Replace(' ', '+')}; x-f-l-c={card.Replace(' ', '+')}\r\n");
        var bob = Post($"Cookie: fossil-x=1; x-f-l-c={card.Replace(" ", "%20", StringComparison.Ordinal)}\r\n");

        Assert.Contains("error not\\sauthorized\\sto\\swrite", nobody, StringComparison.Ordinal);
        Assert.Contains("error login\\sfailed", twice, StringComparison.Ordinal);
        Assert.DoesNotContain("error ", bob, StringComparison.Ordinal);
        using var stored = new SqliteFile(origin);
        Assert.Equal(1, stored.Count($"SELECT count(*) FROM blob WHERE uuid='{XferMessage.HashOf("by cookie\n"u8)}'"));

        string Post(string header)
        {
            var framed = XferMessage.Compress(body);
            return RawHttp.Send(
                ours.Port,
                [.. RawHttp.Head("1.0", "/", XferMessage.ContentType, framed.Length, header), .. framed]).Cards;
        }
    }

    private static string Prepare(Workbench bench)
    {
        var origin = bench.NewRepository("origin.fossil");
        bench.Stock.Run("user", "new", "bob", "Bob", "pw-of-bob", "-R", origin);
        bench.Open(origin, "work").Write("a.txt", "public\n").Commit("public").Write("a.txt", "secret\n")
            .Commit("secret", "--private");
        bench.Stock.Run("uv", "add", bench.Folder.Write("uv.txt", "uv\n"), "--as", "uv.txt", "-R", origin);
        using var file = new SqliteFile(origin, writable: true);
        file.Execute(
            "REPLACE INTO config(name,value,mtime) "
                + "VALUES('project-name','Harbor',1700000000),('email-self','x@y',1700000000)");
        return origin;
    }

    /// <summary>
    /// What was answered, without what may well differ: order, clocks, wording after the first words.
    /// </summary>
    private static string Essence(string cards)
    {
        var words = cards.Split('\n')
            .Where(line => line.Length > 0 && char.IsAsciiLetterLower(line[0]))
            .Where(line => !line.StartsWith("pragma server-version", StringComparison.Ordinal))
            .Select(line => line.Split(' '))
            .Where(
                tokens => tokens[0] is "igot" or "cfile" or "error" or "message" or "config" or "pragma" or "push"
                or "uvigot" or "clone_seqno" or "private")
            .Select(tokens => tokens[0] switch
            {
                "error" => "error " + string.Join(' ', tokens[1].Split("\\s").Take(4)),
                "message" => "message " + string.Join(' ', tokens[1].Split("\\s").Take(2)),
                "pragma" => "pragma " + tokens[1],
                "config" => "config " + tokens[1],
                "igot" => "igot" + (tokens.Length > 2 ? " private" : ""),
                _ => tokens[0],
            });
        return string.Join(", ", words.CountBy(word => word).OrderBy(word => word.Key, StringComparer.Ordinal)
            .Select(word => string.Create(CultureInfo.InvariantCulture, $"{word.Key} ×{word.Value}")));
    }

    private static string ProjectCode(string repository)
    {
        using var file = new SqliteFile(repository);
        return (string)file.Scalar("SELECT value FROM config WHERE name='project-code'")!;
    }
}
