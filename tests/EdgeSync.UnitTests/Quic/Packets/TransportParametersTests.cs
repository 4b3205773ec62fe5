using EdgeSync.Quic;
using EdgeSync.Quic.Packets;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Packets;

public sealed class TransportParametersTests
{
    private const string IrohClient =
        "08024064030245c03e0107e70917c3efd6d7aa0330a49b0504801312d020048000ffff0704801312d00e01050604801312d0"
        + "0f08f077d834d5f01992c0000000ff04de1b0243e80408ffffffffffffffff010480007530c0003d7f91120401012009024064";

    [Test]
    public void Reads_those_of_a_real_client()
    {
        var error = TransportParameters.TryRead(
            Convert.FromHexString(IrohClient), isFromServer: false, out var parameters);

        Assert.Null(error);
        Assert.Equal(30_000UL, parameters.MaxIdleTimeout);
        Assert.Equal(1472UL, parameters.MaxUdpPayload);
        Assert.Equal((1UL << 62) - 1, parameters.InitialMaxData);
        Assert.Equal(1_250_000UL, parameters.StreamDataBidiLocal);
        Assert.Equal(1_250_000UL, parameters.StreamDataBidiRemote);
        Assert.Equal(1_250_000UL, parameters.StreamDataUni);
        Assert.Equal(100UL, parameters.StreamsBidi);
        Assert.Equal(100UL, parameters.StreamsUni);
        Assert.Equal(5UL, parameters.ActiveConnectionIdLimit);
        Assert.Equal("f077d834d5f01992", parameters.InitialSourceId?.ToString());
        Assert.Equal(65_535UL, parameters.MaxDatagramFrameSize);
        Assert.Equal(7UL, parameters.InitialMaxPathId);
        Assert.Equal((byte)32, parameters.NatTraversalAddresses);
        Assert.Equal(1000UL, parameters.MinAckDelay);
        Assert.Equal(3UL, parameters.AckDelayExponent);
        Assert.Equal(25UL, parameters.MaxAckDelay);
        Assert.Null(parameters.OriginalDestinationId);
    }

    [Test]
    public void Reads_what_it_writes()
    {
        var written = Write(Full());

        var error = TransportParameters.TryRead(written, isFromServer: true, out var read);

        Assert.Null(error);
        Assert.Equal(Convert.ToHexStringLower(written), Convert.ToHexStringLower(Write(read)));
    }

    [Test]
    public void Writes_nothing_for_defaults()
    {
        Assert.Empty(Write(new TransportParameters()));
        Assert.Equal("0104800075300f0401020304", Convert.ToHexStringLower(Write(new TransportParameters
        {
            MaxIdleTimeout = 30_000,
            InitialSourceId = new ConnectionId([1, 2, 3, 4]),
        })));
    }

    [Test]
    [Arguments("0a024019")]                 // 25 in two bytes
    [Arguments("0a0115")]                   // ack_delay_exponent 21
    [Arguments("0b0480004000")]             // max_ack_delay 2^14
    [Arguments("0e0101")]                   // active_connection_id_limit 1
    [Arguments("030244af")]                 // max_udp_payload_size 1199
    [Arguments("c0003d7f9112040100")]       // NAT byte missing
    [Arguments("c0003d7f911204010100")]     // NAT byte 0
    [Arguments("c0003d7f91120401024020")]   // NAT byte as a varint of two bytes
    [Arguments("c0000000ff04de1b04800061a9")]   // min_ack_delay 25,001 µs
    [Arguments("0808d000000000000001")]     // streams beyond 2^60
    [Arguments("0c0100")]                   // disable_active_migration with content
    [Arguments("01048000753001048000ffff")]     // idle timeout twice
    [Arguments("0f15000000000000000000000000000000000000000000")]   // connection id of 21 bytes
    [Arguments("0100")]                     // integer without bytes
    [Arguments("01022564")]                 // integer with a byte behind it
    [Arguments("3e088000000100000000")]     // malformed path id
    [Arguments("c00000009f81a176" + "00")]      // address discovery without its role
    [Arguments("c00000009f81a176" + "0103")]    // a role that there is none of
    [Arguments("c00000009f81a176" + "024100")]
    public void Refuses_what_is_malformed_or_beyond_a_limit(string hex)
    {
        var error = TransportParameters.TryRead(Convert.FromHexString(hex), isFromServer: true, out _);

        Assert.Equal(TransportErrorCode.TransportParameterError, error?.Code);
    }

    [Test]
    [Arguments("0008aabbccddeeff0011")]
    [Arguments("0210aabbccddeeff0011aabbccddeeff0011")]
    [Arguments("1004aabbccdd")]
    public void Refuses_parameters_of_servers_from_a_client(string hex)
    {
        Assert.Null(TransportParameters.TryRead(Convert.FromHexString(hex), isFromServer: true, out _));
        Assert.Equal(
            TransportErrorCode.TransportParameterError,
            TransportParameters.TryRead(Convert.FromHexString(hex), isFromServer: false, out _)?.Code);
    }

    [Test]
    [Arguments((byte)0, "c00000009f81a1760100")]
    [Arguments((byte)1, "c00000009f81a1760101")]
    [Arguments((byte)2, "c00000009f81a1760102")]
    public void Writes_and_reads_the_roles_of_address_discovery(byte role, string hex)
    {
        var bytes = Write(new TransportParameters { AddressDiscovery = (AddressDiscovery)role });

        Assert.Equal(hex, Convert.ToHexStringLower(bytes));
        Assert.Null(TransportParameters.TryRead(bytes, isFromServer: false, out var read));
        Assert.Equal((AddressDiscovery)role, read.AddressDiscovery);
    }

    [Test]
    public void Checks_the_form_of_a_preferred_address()
    {
        byte[] good = [.. new byte[24], 4, 1, 2, 3, 4, .. new byte[16]];
        byte[] emptyId = [.. new byte[24], 0, .. new byte[16]];

        Assert.Null(TransportParameters.TryRead([0x0d, 45, .. good], isFromServer: true, out var parameters));
        Assert.Equal(good, parameters.PreferredAddress);
        Assert.NotNull(TransportParameters.TryRead([0x0d, 41, .. emptyId], isFromServer: true, out _));
        Assert.NotNull(TransportParameters.TryRead([0x0d, 44, .. good[..^1]], isFromServer: true, out _));
        Assert.NotNull(TransportParameters.TryRead([0x0d, 45, .. good], isFromServer: false, out _));
    }

    [Test]
    public void Refuses_all_that_is_cut_inside_a_parameter()
    {
        var bytes = Write(Full());
        var whole = Boundaries(bytes);

        foreach (var prefix in Splits.Prefixes(bytes))
        {
            var error = TransportParameters.TryRead(prefix, isFromServer: true, out _);
            Assert.Equal(whole.Contains(prefix.Length), error is null);
        }
    }

    [Test]
    public void No_bytes_make_the_reader_fail() => Property.Check(
        prng =>
        {
            byte[][] good = [Convert.FromHexString(IrohClient), Write(Full())];
            var bytes = Mutation.OfBytes(prng, prng.Pick<byte[]>(good), good);
            if (TransportParameters.TryRead(bytes, isFromServer: true, out var read) is null)
                Assert.Null(TransportParameters.TryRead(Write(read), isFromServer: true, out _));
        },
        runs: 2000);

    private static HashSet<int> Boundaries(byte[] bytes)
    {
        var ends = new HashSet<int> { 0 };
        var reader = new WireReader(bytes);
        while (!reader.IsAtEnd)
        {
            Assert.True(reader.TryReadVarInt(out _) && reader.TryReadCounted(out _));
            ends.Add(reader.Position);
        }

        return ends;
    }

    private static byte[] Write(TransportParameters parameters)
    {
        var writer = new WireWriter(new byte[512]);
        parameters.Write(ref writer);
        return writer.Written.ToArray();
    }

    private static TransportParameters Full() => new()
    {
        OriginalDestinationId = new ConnectionId([1, 2, 3, 4, 5, 6, 7, 8]),
        InitialSourceId = new ConnectionId([9]),
        RetrySourceId = new ConnectionId([]),
        StatelessResetToken = new byte[16],
        MaxIdleTimeout = 1,
        MaxUdpPayload = 1472,
        InitialMaxData = 2,
        StreamDataBidiLocal = 3,
        StreamDataBidiRemote = 4,
        StreamDataUni = 5,
        StreamsBidi = 6,
        StreamsUni = 7,
        AckDelayExponent = 8,
        MaxAckDelay = 9,
        DisableActiveMigration = true,
        PreferredAddress = [.. new byte[24], 1, 7, .. new byte[16]],
        ActiveConnectionIdLimit = 10,
        MaxDatagramFrameSize = 11,
        InitialMaxPathId = 12,
        NatTraversalAddresses = 13,
        MinAckDelay = 14,
        AddressDiscovery = AddressDiscovery.Both,
    };
}
