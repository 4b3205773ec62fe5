using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Dav;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Dav;

/// <summary>Names, places, requests, conditions and locks of the tree.</summary>
public sealed class DavTests
{
    private const string Propfind =
        """
        <?xml version="1.0" encoding="utf-8"?>
        <D:propfind xmlns:D="DAV:" xmlns:x="urn:x"><D:prop><D:getetag/><x:colour/></D:prop></D:propfind>
        """;

    private const string LockInfo =
        """
        <?xml version="1.0"?><D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/></D:lockscope>
        <D:locktype><D:write/></D:locktype><D:owner><D:href>mailto:ann</D:href></D:owner></D:lockinfo>
        """;

    private const string Conditions = "<http://h/dav/CAN/> (<urn:uuid:1> [\"a\"]) (Not <DAV:no-lock>)";

    private static readonly Instant Now = Instant.FromUnixSeconds(1_700_000_000);
    private static readonly AssetHash Hash = AssetHash.Of(1, "x"u8);

    [Test]
    [Arguments("photo.jpg", "photo.jpg")]
    [Arguments("a/b\\c", "a\uff0fb\uff3cc")]
    [Arguments(".", "\uff0e")]
    [Arguments("..", "\uff0e\uff0e")]
    [Arguments("\uff0e", "\u201b\uff0e")]
    [Arguments("\u0001\u007f", "\u2401\u2421")]
    [Arguments("\u201b\uff0f", "\u201b\u201b\u201b\uff0f")]
    [Arguments("...", "...")]
    public void A_name_is_one_segment_and_is_read_back(string name, string segment)
    {
        Assert.Equal(segment, DavNames.Encode(name));
        Assert.Equal(name, DavNames.Decode(segment));
    }

    [Test]
    public void Every_name_is_read_back_and_no_two_are_one() => Property.Check(
        prng =>
        {
            var letters = "a.\uff0e\u201b/\uff0f\\\uff3c\u0000\u2400\u007f\u2421~";
            var name = string.Concat(Enumerable.Range(0, 1 + prng.NextInt32(5))
                .Select(_ => letters[prng.NextInt32(letters.Length)]));
            var segment = DavNames.Encode(name);

            Assert.Equal(name, DavNames.Decode(segment));
            Assert.False(segment is "." or ".." || segment.Any(c => c == '/' || char.IsControl(c)), segment);
        },
        runs: 20_000);

    [Test]
    public void Two_of_a_name_are_told_apart_by_the_hash()
    {
        var digits = Hash.ToString()[..8];
        Assert.Equal("a.txt", DavNames.Of(Named("a.txt"), hasEarlier: false));
        Assert.Equal($"a~{digits}.txt", DavNames.Of(Named("a.txt"), hasEarlier: true));
        Assert.Equal($".profile~{digits}", DavNames.Of(Named(".profile"), hasEarlier: true));
        Assert.Equal($"a~12345678~{digits}.txt", DavNames.Of(Named("a~12345678.txt"), hasEarlier: false));
        Assert.True(DavNames.TryParseSuffix($"a~{digits}.txt", out var prefix));
        Assert.Equal(digits, prefix);
        Assert.False(DavNames.TryParseSuffix("a~1234567.txt", out _));

        var raw = AssetFileName.Create(1, Hash, [], null, "text/plain");
        Assert.Equal(raw, DavNames.Of(Named(null), hasEarlier: false));
        Assert.Equal(raw, DavNames.Of(Named(new string('x', 300)), hasEarlier: false));
        Assert.Contains('~', DavNames.Of(Named(raw), hasEarlier: false));
    }

    [Test]
    [Arguments("/dav", DavKind.Root)]
    [Arguments("/dav/", DavKind.Root)]
    [Arguments("/dav/CAN", DavKind.All)]
    [Arguments("/dav/CAN/x%20y?q=1", DavKind.File)]
    [Arguments("http://host:1/dav/TAGS/a%EF%BC%8Fb/", DavKind.Tag)]
    [Arguments("/dav/DATES/2026/11/f", DavKind.File)]
    [Arguments("/dav/APPLICATION/x/y", DavKind.File)]
    public void A_path_names_a_place_and_is_written_again(string target, DavKind kind)
    {
        Assert.True(DavPlace.TryParse(target, out var place));
        Assert.Equal(kind, place!.Kind);
        Assert.True(DavPlace.TryParse(place.Path, out var again));
        Assert.Equal(place, again);
    }

    [Test]
    [Arguments("/dav/NOWHERE")]
    [Arguments("/dav/CAN/a/b")]
    [Arguments("/dav/DATES/26/11")]
    [Arguments("/dav/DATES/2026/13")]
    [Arguments("/dav/APPLICATION/a/b/c")]
    public void Other_paths_are_no_places(string target)
    {
        Assert.True(DavPlace.TryParse(target, out var place));
        Assert.Null(place);
    }

    [Test]
    [Arguments("/davx")]
    [Arguments("/")]
    [Arguments("dav/CAN")]
    [Arguments("/dav/CAN/%2e%2e")]
    [Arguments("/dav/CAN/..")]
    [Arguments("/dav/CAN/a%2Fb")]
    [Arguments("/dav/CAN/a%00b")]
    [Arguments("ftp:/dav/")]
    public void Tricks_are_refused(string target) => Assert.False(DavPlace.TryParse(target, out _));

    [Test]
    public void Months_meet_without_a_gap()
    {
        var november = new DavPlace(DavKind.Month, "", 2026, 11);
        var december = new DavPlace(DavKind.Month, "", 2026, 12);
        Assert.Equal(november.Query.EndMs + 1, december.Query.StartMs);
        Assert.Equal(new DavPlace(DavKind.Year, "", 2027).Query.StartMs, december.Query.EndMs + 1);
        Assert.Equal("/dav/DATES/2026/11/", november.Path);
        Assert.Equal("11", november.DisplayName);
    }

    [Test]
    public void Requests_are_read()
    {
        Assert.True(DavRequests.TryParsePropfind([], out var all));
        Assert.Null(all.Properties);
        Assert.True(DavRequests.TryParsePropfind(Encoding.UTF8.GetBytes(Propfind), out var some));
        Assert.Equal(new DavProperty[] { new("DAV:", "getetag"), new("urn:x", "colour") }, some.Properties!);
        Assert.True(DavRequests.TryParsePropfind(
            "<propfind xmlns='DAV:'><propname/></propfind>"u8.ToArray(), out var names));
        Assert.True(names.NamesOnly);
        Assert.True(DavRequests.TryParseLock(Encoding.UTF8.GetBytes(LockInfo), out var request));
        Assert.Equal(new DavLockRequest(true, "mailto:ann"), request);
        Assert.True(DavRequests.TryParseProppatch(
            "<a:propertyupdate xmlns:a='DAV:'><a:set><a:prop><b xmlns='u'>1</b></a:prop></a:set></a:propertyupdate>"u8
                .ToArray(), out var properties));
        Assert.Equal(new DavProperty[] { new("u", "b") }, properties);
    }

    [Test]
    [Arguments("<!DOCTYPE propfind [<!ENTITY x 'y'>]><propfind xmlns='DAV:'><allprop/></propfind>")]
    [Arguments("<!DOCTYPE propfind SYSTEM 'http://127.0.0.1/x'><propfind xmlns='DAV:'><allprop/></propfind>")]
    [Arguments("<propfind xmlns='DAV:'>&x;<allprop/></propfind>")]
    [Arguments("<propfind><allprop/></propfind>")]
    [Arguments("<propfind xmlns='DAV:'/>")]
    [Arguments("<other xmlns='DAV:'><allprop/></other>")]
    [Arguments("<propfind xmlns='DAV:'><allprop/>")]
    public void What_is_no_request_is_refused(string text) =>
        Assert.False(DavRequests.TryParsePropfind(Encoding.UTF8.GetBytes(text), out _));

    [Test]
    public void Depth_size_and_number_are_bounded()
    {
        static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
        var open = string.Concat(Enumerable.Repeat("<a>", 40));
        var close = string.Concat(Enumerable.Repeat("</a>", 40));
        Assert.False(DavRequests.TryParsePropfind(
            Bytes($"<propfind xmlns='DAV:'><allprop>{open}{close}</allprop></propfind>"), out _));
        var many = string.Concat(Enumerable.Repeat("<b/>", 300));
        Assert.False(DavRequests.TryParsePropfind(
            Bytes($"<propfind xmlns='DAV:'><prop>{many}</prop></propfind>"), out _));
        Assert.False(DavRequests.TryParsePropfind(
            Bytes($"<propfind xmlns='DAV:'><allprop/>{new string(' ', DavRequests.BytesMax)}</propfind>"), out _));
    }

    [Test]
    public void A_request_that_is_cut_off_is_none()
    {
        foreach (var prefix in Splits.Prefixes(Encoding.UTF8.GetBytes(Propfind)).Where(p => p.Length > 0))
            Assert.False(DavRequests.TryParsePropfind(prefix, out _));
        foreach (var prefix in Splits.Prefixes(Encoding.UTF8.GetBytes(LockInfo)))
            Assert.False(DavRequests.TryParseLock(prefix, out _));
    }

    [Test]
    public void Nothing_that_is_sent_makes_a_parser_throw() => Property.Check(
        prng =>
        {
            byte[][] good = [Encoding.UTF8.GetBytes(Propfind), Encoding.UTF8.GetBytes(LockInfo),
                Encoding.UTF8.GetBytes(Conditions), "/dav/DATES/2026/11/a%20b"u8.ToArray()];
            var bytes = Mutation.OfBytes(prng, good[prng.NextInt32(good.Length)], good);
            _ = DavRequests.TryParsePropfind(bytes, out _);
            _ = DavRequests.TryParseLock(bytes, out _);
            _ = DavRequests.TryParseProppatch(bytes, out _);
            var text = Encoding.Latin1.GetString(bytes);
            if (DavConditions.TryParse(text, out var conditions)) _ = conditions.Hold(_ => new DavState(null, []));
            if (DavPlace.TryParse(text, out var place)) _ = place?.Path;
        },
        runs: 8000);

    [Test]
    public void Conditions_are_compared_with_tags_and_locks()
    {
        DavState State(string? resource) => resource is null ? new DavState("\"t\"", ["urn:uuid:9"])
            : new DavState("\"a\"", ["urn:uuid:1"]);

        foreach (var (text, holds) in new (string, bool)[]
        {
            ("", true), (Conditions, true), ("([\"t\"])", true), ("([\"x\"])", false), ("(<urn:uuid:9> [\"t\"])", true),
            ("(<urn:uuid:1>)", false), ("(Not <urn:uuid:1>)", true), ("([\"x\"]) (<urn:uuid:9>)", true),
            ("<http://h/dav/CAN/> (<urn:uuid:9>)", false),
        })
        {
            Assert.True(DavConditions.TryParse(text, out var conditions), text);
            Assert.True(holds == conditions.Hold(State), text);
        }

        foreach (var text in (string[])["(", "()", "x", "<a>", "(<>)", "(Not)", "(<a>"])
            Assert.False(DavConditions.TryParse(text, out _), text);
    }

    [Test]
    public void Locks_exclude_each_other_end_and_are_bounded()
    {
        var locks = new DavLocks(new SeededEntropy(1));
        var held = locks.TryLock("/dav/APPLICATION/x/a", false, true, "ann", TimeSpan.FromMinutes(1), Now)!;
        Assert.Null(locks.TryLock("/dav/APPLICATION/x/a", false, false, "", TimeSpan.FromMinutes(1), Now));
        Assert.Null(locks.TryLock("/dav/APPLICATION/x/", true, true, "", TimeSpan.FromMinutes(1), Now));
        Assert.NotNull(locks.TryLock("/dav/APPLICATION/x/", false, true, "", TimeSpan.FromMinutes(1), Now));
        Assert.False(locks.Unlock(held.Token, "/dav/APPLICATION/x/b", Now));
        Assert.Equal(
            Now + TimeSpan.FromSeconds(90),
            locks.Refresh(held.Token, held.Path, TimeSpan.FromSeconds(60), Now + TimeSpan.FromSeconds(30))!.EndsAt);
        Assert.Single(locks.Of(held.Path, Now + TimeSpan.FromSeconds(89)));
        Assert.Empty(locks.Of(held.Path, Now + TimeSpan.FromSeconds(90)));

        var shared = locks.TryLock("/s", false, false, "", TimeSpan.FromMinutes(1), Now)!;
        Assert.NotNull(locks.TryLock("/s", false, false, "", TimeSpan.FromMinutes(1), Now));
        Assert.True(locks.Unlock(shared.Token, "/s", Now));
        for (var i = 0; i < 2 * DavLocks.CountMax; i++)
            locks.TryLock($"/{i}", false, true, "", TimeSpan.FromMinutes(1), Now);
        Assert.Null(locks.TryLock("/last", false, true, "", TimeSpan.FromMinutes(1), Now));
        Assert.NotNull(locks.TryLock("/last", false, true, "", TimeSpan.FromMinutes(1), Now + TimeSpan.FromMinutes(2)));
    }

    private static Asset Named(string? name) => new()
    {
        Hash = Hash,
        TimestampMs = 1,
        Size = 1,
        FileName = AssetFileName.Create(1, Hash, [], null, "text/plain"),
        Details = new AssetDetails { HumanFileName = name },
        MetaUpdatedAtMs = 1,
    };
}
