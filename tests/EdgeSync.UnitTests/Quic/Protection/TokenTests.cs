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
        var verdict = _tokens.Read(Now + AddressTokens.RetryLife, Client, Issue(), out var original);

        Assert.Equal(TokenVerdict.Retried, verdict);
        Assert.Equal(Original, original);
    }

    [Test]
    public void Refuses_a_token_of_another_address_time_or_server()
    {
        var token = Issue();

        var tooLate = Now + AddressTokens.RetryLife + TimeSpan.FromMilliseconds(1);
        Assert.Equal(TokenVerdict.Invalid, _tokens.Read(tooLate, Client, token, out _));
        Assert.Equal(TokenVerdict.Invalid, _tokens.Read(Now - TimeSpan.FromMilliseconds(1), Client, token, out _));
        Assert.Equal(TokenVerdict.Invalid, _tokens.Read(Now, Client with { Port = 4434 }, token, out _));
        Assert.Equal(
            TokenVerdict.Invalid, _tokens.Read(Now, Client with { Bits = Client.Bits + 1 }, token, out _));
        using var other = new AddressTokens(new SeededEntropy(2));
        Assert.Equal(TokenVerdict.Unknown, other.Read(Now, Client, token, out _));
    }

    [Test]
    public void Refuses_every_prefix_and_every_changed_byte()
    {
        var token = Issue();
        foreach (var prefix in Splits.Prefixes(token))
            Assert.Equal(TokenVerdict.Unknown, _tokens.Read(Now, Client, prefix, out _));
        for (var i = 0; i < token.Length; i++)
        {
            var changed = token.ToArray();
            changed[i] ^= 0x80;
            Assert.Equal(TokenVerdict.Unknown, _tokens.Read(Now, Client, changed, out _));
        }

        Assert.Equal(TokenVerdict.Unknown, _tokens.Read(Now, Client, [.. token, 0], out _));
        Assert.Equal(TokenVerdict.Unknown, _tokens.Read(Now, Client, new byte[500], out _));
    }

    [Test]
    public void A_token_for_later_is_taken_once_from_any_port_of_the_address()
    {
        var token = _tokens.NewToken(Now, Client);
        var later = Now + AddressTokens.LaterLife;

        Assert.Equal(TokenVerdict.Unknown, _tokens.Read(later + TimeSpan.FromSeconds(1), Client, token, out _));
        Assert.Equal(
            TokenVerdict.Unknown, _tokens.Read(later, Client with { Bits = Client.Bits + 1 }, token, out _));
        Assert.Equal(TokenVerdict.Known, _tokens.Read(later, Client with { Port = 1 }, token, out _));
        Assert.Equal(TokenVerdict.Unknown, _tokens.Read(later, Client with { Port = 1 }, token, out _));
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

    [Test]
    public void A_relayed_address_is_told_from_all_others()
    {
        var relayed = UdpAddress.Relayed(7);

        Assert.True(relayed.IsRelayed);
        Assert.Equal(7UL, relayed.RelayedNumber);
        Assert.Equal("relayed-7", relayed.ToString());
        Assert.False(Client.IsRelayed || default(UdpAddress).IsRelayed);
        Assert.True(Client.IsIPv4);
        Assert.False(relayed.IsIPv4 || UdpAddress.From(IPAddress.Parse("2001:db8::1"), 1).IsIPv4);
        Assert.True(default(UdpAddress).IsUnspecified && UdpAddress.From(IPAddress.Any, 5).IsUnspecified);
        Assert.False(relayed.IsUnspecified || Client.IsUnspecified);
    }

    private byte[] Issue()
    {
        var target = new byte[AddressTokens.MaxBytes];
        return target[.._tokens.Write(Now, Client, Original, target)];
    }
}
