using System.Net;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Packets;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>What unwanted first packets cost: a limited number of answers for each source, and no memory.</summary>
public sealed class FirstPacketTests
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_700_000_000);

    [Test]
    public void One_source_gets_its_share_of_answers_and_no_more()
    {
        using var world = new QuicWorld();
        var answers = CountAnswers(world, packets: 2000, _ => From("203.0.113.77", world.Chance));

        // Handshakes first, whose servers answer with full packets, then Retry packets.
        Assert.InRange(answers.Retries, 1, FirstPacketBudget.PerSourceMax);
        Assert.InRange(world.Server.Dropped, 1500, 2000);
        Assert.InRange(world.Server.Count, 1, 64);
    }

    [Test]
    public void Others_are_answered_while_one_source_floods()
    {
        using var world = new QuicWorld();
        CountAnswers(world, packets: 2000, _ => From("203.0.113.77", world.Chance));

        world.Connected();

        Assert.True(world.Accepted!.IsConnected);
        Assert.NotNull(world.Dialled!.State.RetrySource);
    }

    [Test]
    public void Each_of_many_sources_is_answered_by_a_Retry()
    {
        using var world = new QuicWorld();

        var answers = CountAnswers(world, packets: 2000, i => From($"203.{i >> 8}.{i & 255}.1", world.Chance));

        Assert.InRange(answers.Retries, 1900, 2000);
        Assert.InRange(world.Server.Count, 1, 64);
    }

    [Test]
    public void Packets_that_cannot_be_opened_are_answered_by_a_Retry_when_there_are_many()
    {
        using var world = new QuicWorld();

        var answers = CountAnswers(
            world, packets: 2000, i => From($"203.{i >> 8}.{i & 255}.1", world.Chance), isDamaged: true);

        Assert.Equal(0, world.Server.Count);
        Assert.InRange(answers.Retries, 2000 - FirstPacketBudget.UnprovedMax - 50, 2000);
    }

    [Test]
    public void A_Retry_allocates_nothing()
    {
        var chance = new Prng(7);
        using var server = new QuicEndpoint(QuicWorld.ServerOptions(), new SeededEntropy(8)) { Accepts = true };
        byte[][] Packets() => [.. Enumerable.Range(0, 512).Select(_ => QuicAttackTests.Initial(chance))];
        var (first, second) = (Packets(), Packets());
        var buffer = new byte[2048];

        Flood(first);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var answers = Flood(second);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal((512, 0), (answers, (int)server.Dropped));
        Assert.True(allocated < answers, $"{allocated} bytes for {answers} answers");

        // In the same second: the first flood has used up what is taken without a proof.
        int Flood(byte[][] packets)
        {
            var count = 0;
            for (var i = 0; i < packets.Length; i++)
            {
                var source = new UdpAddress(((UInt128)0xffff << 32) | (uint)(i * 7919), 4000);
                server.Receive(Start, new FourTuple(QuicWorld.ServerAddress, source), EcnMark.NotEct, packets[i]);
                while (server.TryTakeDatagram(Start, buffer, out _)) count++;
            }

            return count;
        }
    }

    [Test]
    public void Packets_of_no_connection_get_a_share_of_resets()
    {
        using var world = new QuicWorld();
        var before = world.DatagramsSent;
        for (var i = 0; i < 1000; i++)
        {
            var packet = world.Chance.NextBytes(100);
            packet[0] = (byte)(0x40 | (packet[0] & 0x3f));
            world.Inject(toServer: true, packet, From("203.0.113.77", world.Chance));
            world.RunFor(0);
        }

        Assert.InRange(world.DatagramsSent - before, 1, FirstPacketBudget.PerSourceMax);
    }

    [Test]
    public void A_share_is_there_again_in_the_next_second()
    {
        var budget = new FirstPacketBudget(new SeededEntropy(1));
        var source = UdpAddress.From(IPAddress.Parse("2001:db8::1"), 1);
        // Another address of the same network has no share of its own, another network has.
        var neighbour = UdpAddress.From(IPAddress.Parse("2001:db8::2"), 2);
        var other = UdpAddress.From(IPAddress.Parse("2001:db8:1::1"), 1);

        for (var i = 0; i < FirstPacketBudget.PerSourceMax; i++) Assert.True(budget.TryTake(Start, source));
        Assert.False(budget.TryTake(Start, source));
        Assert.False(budget.TryTake(Start, neighbour));
        Assert.True(budget.TryTake(Start, other));

        Assert.True(budget.TryTake(Start + TimeSpan.FromSeconds(1), source));
    }

    [Test]
    public void Few_first_packets_need_no_proof()
    {
        var budget = new FirstPacketBudget(new SeededEntropy(1));

        for (var i = 0; i < FirstPacketBudget.UnprovedMax; i++) Assert.False(budget.IsExceededBy(Start));

        Assert.True(budget.IsExceededBy(Start));
        Assert.False(budget.IsExceededBy(Start + TimeSpan.FromSeconds(1)));
    }

    [Test]
    public void Answers_come_out_as_they_went_in_and_what_is_too_many_is_dropped()
    {
        var queue = new AnswerQueue();
        var target = new byte[1200];
        for (var round = 0; round < 3; round++)
        {
            var count = 0;
            for (; !queue.IsFull; count++) queue.Add(TupleOf(count), [(byte)count, (byte)round, 9]);
            queue.Add(TupleOf(count), [1]);
            for (var i = 0; i < count; i++)
            {
                Assert.True(queue.TryTake(target, out var length, out var tuple));
                Assert.Equal((3, TupleOf(i)), (length, tuple));
                Assert.Equal([(byte)i, (byte)round, 9], target[..3]);
            }

            Assert.False(queue.TryTake(target, out _, out _));
        }
    }

    private static FourTuple TupleOf(int number) => new(default, new UdpAddress(5, (ushort)number));

    private static (int Retries, int Others) CountAnswers(
        QuicWorld world, int packets, Func<int, UdpAddress> source, bool isDamaged = false)
    {
        var (retries, others) = (0, 0);
        world.Tamper = (fromServer, bytes) =>
        {
            if (!fromServer) return;
            Assert.Equal(HeaderFault.None, PacketHeader.TryRead(bytes, 8, out var header));
            if (header.Type == PacketType.Retry) retries++;
            else others++;
        };
        for (var i = 0; i < packets; i++)
        {
            var packet = QuicAttackTests.Initial(world.Chance);
            if (isDamaged) packet[^1] ^= 1;
            world.Inject(toServer: true, packet, source(i));
            // What is to be sent leaves at once, as in a host.
            world.RunFor(0);
        }

        world.Tamper = null;
        return (retries, others);
    }

    private static UdpAddress From(string address, Prng chance) =>
        UdpAddress.From(IPAddress.Parse(address), chance.NextInt32(1, 65_000));
}
