using System.Net;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Protection;

public sealed class TokenTests : IDisposable
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1_000_000);
    private static readonly UdpAddress Client = UdpAddress.From(IPAddress.Parse("192.0.2.7"), 4433);
    private static readonly ConnectionId Original = new([1, 2, 3, 4, 5, 6, 7, 8, 9]);

    private readonly AddressTokens _tokens = new(new SeededEntropy(1));

    public void Dispose() => _tokens.Dispose();

    [Test]
    public void Reads_a_token_of_its_own_back()
    {
        Assert.True(_tokens.TryRead(Now + AddressTokens.RetryLife, Client, Issue(), out var original));

        Assert.Equal(Original, original);
    }

    [Test]
    public void Refuses_a_token_of_another_address_time_or_server()
    {
        var token = Issue();

        var tooLate = Now + AddressTokens.RetryLife + TimeSpan.FromMilliseconds(1);
        Assert.False(_tokens.TryRead(tooLate, Client, token, out _));
        Assert.False(_tokens.TryRead(Now - TimeSpan.FromMilliseconds(1), Client, token, out _));
        Assert.False(_tokens.TryRead(Now, Client with { Port = 4434 }, token, out _));
        Assert.False(_tokens.TryRead(Now, Client with { Bits = Client.Bits + 1 }, token, out _));
        using var other = new AddressTokens(new SeededEntropy(2));
        Assert.False(other.TryRead(Now, Client, token, out _));
    }

    [Test]
    public void Refuses_every_prefix_and_every_changed_byte()
    {
        var token = Issue();
        foreach (var prefix in Splits.Prefixes(token)) Assert.False(_tokens.TryRead(Now, Client, prefix, out _));
        for (var i = 0; i < token.Length; i++)
        {
            var changed = token.ToArray();
            changed[i] ^= 0x80;
            Assert.False(_tokens.TryRead(Now, Client, changed, out _));
        }

        Assert.False(_tokens.TryRead(Now, Client, [.. token, 0], out _));
        Assert.False(_tokens.TryRead(Now, Client, new byte[500], out _));
    }

    [Test]
    public void Reset_tokens_depend_on_key_and_id()
    {
        var key = new StatelessResetKey(new SeededEntropy(1));

        Assert.Equal(key.TokenOf(Original), new StatelessResetKey(new SeededEntropy(1)).TokenOf(Original));
        Assert.NotEqual(key.TokenOf(Original), key.TokenOf(new ConnectionId([1, 2, 3, 4, 5, 6, 7, 8])));
        Assert.NotEqual(key.TokenOf(Original), new StatelessResetKey(new SeededEntropy(2)).TokenOf(Original));
    }

    [Test]
    public void Addresses_of_both_families_survive_the_value()
    {
        Assert.Equal("192.0.2.7:4433", Client.ToString());
        Assert.Equal("[2001:db8::1]:1", UdpAddress.From(IPAddress.Parse("2001:db8::1"), 1).ToString());
        Assert.Equal(Client, UdpAddress.From(IPAddress.Parse("::ffff:192.0.2.7"), 4433));
    }

    private byte[] Issue()
    {
        var target = new byte[AddressTokens.MaxBytes];
        return target[.._tokens.Write(Now, Client, Original, target)];
    }
}
