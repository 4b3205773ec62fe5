using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Wire;

public class NatsHeadersTests
{
    [Test]
    public void Keeps_case_order_and_repeated_keys()
    {
        Assert.True(
            NatsHeaders.TryParse(
                "NATS/1.0\r\nKey:  one \r\nkey:2\r\nKey: three: 3\r\n: no key\r\nEmpty:\r\n\r\n"u8, out var headers));

        Assert.Equal(
            [("Key", "one"), ("key", "2"), ("Key", "three: 3"), ("Empty", "")],
            headers.Select(field => (field.Key, field.Value)));
        Assert.Equal("three: 3", headers["Key"]);
        Assert.Equal(["one", "three: 3"], headers.GetValues("Key"));
        Assert.Null(headers["KEY"]);
        Assert.True(headers.ContainsKey("Empty"));
    }

    [Test]
    [Arguments("NATS/1.0\r\n\r\n", 0, "")]
    [Arguments("NATS/1.0 503\r\n\r\n", 503, "")]
    [Arguments("NATS/1.0 404 No Messages\r\n\r\n", 404, "No Messages")]
    [Arguments("NATS/1.0   100  Idle Heartbeat \r\n\r\n", 100, "Idle Heartbeat")]
    public void Reads_the_status_line(string block, int code, string message)
    {
        Assert.True(NatsHeaders.TryParse(Encoding.ASCII.GetBytes(block), out var headers));

        Assert.Equal((code, message), (headers.Code, headers.Message));
        Assert.Equal(code, NatsHeaderLines.StatusOf(Encoding.ASCII.GetBytes(block)));
    }

    [Test]
    [Arguments("")]
    [Arguments("A: b\r\n\r\n")]
    [Arguments("NATS/1.0\r\nA: b\r\n")]
    [Arguments("NATS/1.0\r\nno colon\r\n\r\n")]
    [Arguments("NATS/1.0x\r\n\r\n")]
    [Arguments("NATS/1.0 many\r\n\r\n")]
    [Arguments("NATS/1.0\r\n\r\nmore")]
    [Arguments("NATS/1.0\n\n")]
    public void Rejects_a_malformed_block(string block) =>
        Assert.False(NatsHeaders.TryParse(Encoding.ASCII.GetBytes(block), out _));

    [Test]
    public void Finds_a_value_in_place()
    {
        var block = "NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\nX: 2\r\n\r\n"u8;

        Assert.True(NatsHeaderLines.TryFind(block, "X"u8, out var value));
        Assert.Equal("2", Encoding.ASCII.GetString(value));
        Assert.False(NatsHeaderLines.TryFind(block, "x"u8, out _));
    }

    [Test]
    [Arguments("", "v")]
    [Arguments("a:b", "v")]
    [Arguments("a b", "v")]
    [Arguments("ü", "v")]
    [Arguments("a\r\nX", "v")]
    [Arguments("a", "v\r\nX: y")]
    [Arguments("a", "v\nw")]
    public void Writes_nothing_that_would_read_as_something_else(string key, string value) =>
        Assert.Throws<ArgumentException>(() => new NatsHeaders { { key, value } });

    [Test]
    public void Reads_what_it_wrote() => Property.Check(prng =>
    {
        var headers = new NatsHeaders { Code = prng.Chance(0.5) ? prng.NextInt32(1000) : 0, Message = "" };
        for (var i = prng.NextInt32(6); i > 0; i--) headers.Add($"K{prng.NextInt32(3)}", Value(prng));

        Assert.True(NatsHeaders.TryParse(headers.ToBytes(), out var read));
        Assert.Equal(headers.Code, read.Code);
        Assert.Equal(headers.ToList(), read.ToList());
    });

    [Test]
    public void No_bytes_make_it_throw() => Property.Check(
        prng =>
        {
            var block = Mutation.OfBytes(prng, "NATS/1.0 404 No Messages\r\nA: b\r\nC:\r\n\r\n"u8.ToArray(), []);

            if (NatsHeaders.TryParse(block, out var headers)) Assert.True(headers.Count <= block.Length);
            NatsHeaderLines.StatusOf(block);
            NatsHeaderLines.TryFind(block, "A"u8, out _);
        },
        runs: 3000);

    private static string Value(Prng prng) =>
        string.Concat(Enumerable.Range(0, prng.NextInt32(8)).Select(_ => prng.Pick<char>(['a', ':', 'ß', '"', '7'])))
        .Trim();
}
