using System.Buffers.Binary;
using System.Net;
using EdgeSync.Iroh.PortMapping;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.PortMapping;

public sealed class GatewayMapperTests
{
    private static readonly UdpAddress Client = UdpAddress.From(IPAddress.Parse("192.168.1.2"), 7777);

    private Instant _now = Instant.FromUnixSeconds(1_700_000_000);

    [Test]
    public void A_router_with_PCP_maps_the_port_and_is_asked_again_after_half_the_lifetime()
    {
        var core = new GatewayMapper(Client, new Prng(1), _now);

        var request = Taken(core);
        Assert.Equal(
            "02010000" + "00001c20" + "00000000000000000000ffffc0a80102",
            Convert.ToHexStringLower(request.AsSpan(0, 24)));
        Assert.Equal(
            "11000000" + "1e611e61" + "00000000000000000000ffff00000000",
            Convert.ToHexStringLower(request.AsSpan(36)));
        core.Receive(_now, PcpAnswer(request, result: 0, lifetime: 3600));

        Assert.Equal(("203.0.113.9:40001", "pcp"), (core.Mapped!.External.ToString(), core.Mapped.Protocol));
        Pass(core);
        Assert.Equal(TimeSpan.FromMinutes(30), _now - Instant.FromUnixSeconds(1_700_000_000));
        var renewal = Taken(core);
        Assert.Equal(request.AsSpan(24, 12).ToArray(), renewal.AsSpan(24, 12).ToArray());
        Assert.Equal(40001, BinaryPrimitives.ReadUInt16BigEndian(renewal.AsSpan(42)));
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(core.Release().AsSpan(4)));
        Assert.True(core.IsRefused);
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_router_that_speaks_NAT_PMP_alone_is_asked_by_it(bool refuses)
    {
        var core = new GatewayMapper(Client, new Prng(1), _now);
        Taken(core);
        if (refuses) core.Receive(_now, Convert.FromHexString("0081000100000000"));
        else PassTries(core, tries: 3);

        Assert.Equal("0000", Convert.ToHexStringLower(Taken(core)));
        Assert.Equal("000100001e611e6100001c20", Convert.ToHexStringLower(Taken(core)));
        core.Receive(_now, Convert.FromHexString("0080000000000001cb007109"));
        core.Receive(_now, Convert.FromHexString("00810000000000011e619c4100001c20"));

        Assert.Equal(("203.0.113.9:40001", "nat-pmp"), (core.Mapped!.External.ToString(), core.Mapped.Protocol));
        Assert.Equal("000100001e61000000000000", Convert.ToHexStringLower(core.Release()!));
    }

    [Test]
    public void A_router_without_either_is_given_up_within_eight_seconds()
    {
        var core = new GatewayMapper(Client, new Prng(1), _now);
        var start = _now;
        while (!core.IsRefused)
        {
            while (core.TryTakeRequest(out _)) continue;
            Pass(core);
        }

        Assert.InRange((_now - start).TotalSeconds, 7, 8);
        Assert.Null(core.Deadline);
        Assert.Null(core.Release());
    }

    [Test]
    public void A_mapping_that_is_not_renewed_is_over()
    {
        var core = new GatewayMapper(Client, new Prng(1), _now);
        core.Receive(_now, PcpAnswer(Taken(core), result: 0, lifetime: 3600));
        Pass(core);
        core.Receive(_now, PcpAnswer(Taken(core), result: 8, lifetime: 30));

        Assert.True(core.IsRefused);
        Assert.Null(core.Mapped);
    }

    [Test]
    public void Other_answers_are_skipped_and_none_throws()
    {
        var core = new GatewayMapper(Client, new Prng(1), _now);
        var answer = PcpAnswer(Taken(core), result: 0, lifetime: 3600);
        foreach (var at in (int[])[0, 24, 36, 40])
        {
            var other = answer.ToArray();
            other[at] ^= 1;
            core.Receive(_now, other);
        }

        Assert.All(Splits.Prefixes(answer), cut => core.Receive(_now, cut));
        Assert.Null(core.Mapped);
        Assert.False(core.IsRefused);
        Property.Check(
            prng =>
            {
                var fresh = new GatewayMapper(Client, new Prng(1), _now);
                fresh.Receive(_now, Mutation.OfBytes(prng, answer, [answer]));
            },
            runs: 2000);
        core.Receive(_now, answer);
        Assert.NotNull(core.Mapped);
    }

    private void PassTries(GatewayMapper core, int tries)
    {
        for (var i = 0; i < tries; i++)
        {
            Pass(core);
            Taken(core);
        }

        Pass(core);
    }

    private void Pass(GatewayMapper core)
    {
        _now = core.Deadline!.Value;
        core.OnDeadline(_now);
    }

    private static byte[] Taken(GatewayMapper core)
    {
        Assert.True(core.TryTakeRequest(out var request));
        return request;
    }

    private static byte[] PcpAnswer(byte[] request, byte result, uint lifetime)
    {
        var answer = request.ToArray();
        (answer[1], answer[3]) = (0x81, result);
        BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(4), lifetime);
        answer.AsSpan(8, 16).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(42), 40001);
        Convert.FromHexString("00000000000000000000ffffcb007109").CopyTo(answer.AsSpan(44));
        return answer;
    }
}
