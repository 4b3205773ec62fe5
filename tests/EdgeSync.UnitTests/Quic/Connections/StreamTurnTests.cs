using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Packets;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>In which order streams of one connection send.</summary>
public sealed class StreamTurnTests
{
    private const int Packet = 1000;

    [Test]
    public void Streams_take_turns_of_several_packets()
    {
        using var table = Table(streams: 3, bytes: 10 * Packet);

        Assert.Equal([0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 0, 0, 0, 0], Send(table, packets: 16, turnBytes: 4 * Packet));
    }

    [Test]
    public void A_turn_is_one_packet_where_the_window_is_small()
    {
        using var table = Table(streams: 3, bytes: 10 * Packet);

        Assert.Equal([0, 4, 8, 0, 4, 8], Send(table, packets: 6, turnBytes: 100));
    }

    [Test]
    public void A_stream_that_has_no_more_gives_its_turn_away_and_begins_a_new_one_later()
    {
        using var table = Table(streams: 2, bytes: 2 * Packet);

        Assert.Equal([0, 0, 4], Send(table, packets: 3, turnBytes: 4 * Packet));
        table.Write(table.Find(0)!, new byte[5 * Packet], finish: false);

        Assert.Equal([4, 0, 0, 0, 0, 0], Send(table, packets: 6, turnBytes: 5 * Packet));
        Assert.False(table.HasData);
    }

    [Test]
    public void A_stream_that_is_reset_in_its_turn_does_not_hold_up_others()
    {
        using var table = Table(streams: 2, bytes: 10 * Packet);
        Assert.Equal([0], Send(table, packets: 1, turnBytes: 4 * Packet));

        table.Reset(table.Find(0)!, 1);

        Assert.Equal([4, 4], Send(table, packets: 2, turnBytes: 4 * Packet));
    }

    private static StreamTable Table(int streams, int bytes)
    {
        var table = new StreamTable(QuicWorld.ClientOptions(), isServer: false, new EventQueue());
        table.Start(new TransportParameters
        {
            InitialMaxData = 1 << 20,
            StreamsBidi = 100,
            StreamDataBidiRemote = 1 << 20,
        });
        for (var i = 0; i < streams; i++)
        {
            Assert.True(table.TryOpen(unidirectional: false, out var id));
            table.Write(table.Find(id)!, new byte[bytes], finish: false);
        }

        return table;
    }

    private static List<int> Send(StreamTable table, int packets, long turnBytes)
    {
        var order = new List<int>();
        for (var i = 0; i < packets && table.TryPeekSender(out var stream); i++)
        {
            Assert.True(stream.Send!.TryPeek(table.LimitOf(stream), out var offset, out var available, out _));
            var length = (int)Math.Min(Packet, available);
            stream.Send.OnSent(offset, length);
            table.OnSentNew((ulong)length);
            table.EndTurn(stream, length, turnBytes);
            order.Add((int)stream.Id);
        }

        return order;
    }
}
