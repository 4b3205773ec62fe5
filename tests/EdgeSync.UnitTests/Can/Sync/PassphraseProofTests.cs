using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class PassphraseProofTests
{
    private static readonly StretchCost Cheap = new(8, 1);
    private static readonly SyncKeys Right = SyncKeys.Derive("right", cost: Cheap);
    private static readonly SyncKeys Wrong = SyncKeys.Derive("wrong", cost: Cheap);
    private static readonly EndpointId Alice = IdOf(1);
    private static readonly EndpointId Bob = IdOf(2);
    private static readonly EndpointId Eve = IdOf(3);
    private static readonly byte[] Binding = [.. Enumerable.Repeat((byte)7, PassphraseProof.BindingBytes)];

    [Test]
    public void Two_sides_with_one_passphrase_prove_it()
    {
        var (dialler, acceptor) = (Dialler(Right), Acceptor(Right));

        var bytes = Exchange(dialler, acceptor);

        Assert.Equal(ProofState.Proved, dialler.State);
        Assert.Equal(ProofState.Proved, acceptor.State);
        Assert.Equal(33 + 65 + 32, bytes);
    }

    [Test]
    public void What_follows_the_proof_is_left_to_the_next()
    {
        var (dialler, acceptor) = (Dialler(Right), Acceptor(Right));
        acceptor.Receive(Take(dialler));
        Assert.Equal(65, dialler.Receive([.. Take(acceptor), 1, 2, 3]));

        Assert.Equal(32, acceptor.Receive([.. Take(dialler), 4, 5]));
        Assert.Equal(ProofState.Proved, acceptor.State);
    }

    /// <summary>The confirmation of the dialling side is what guesses could be compared with.</summary>
    [Test]
    public void An_acceptor_with_another_passphrase_gets_no_confirmation()
    {
        var (dialler, acceptor) = (Dialler(Right), Acceptor(Wrong));
        acceptor.Receive(Take(dialler));
        dialler.Receive(Take(acceptor));

        Assert.Equal(ProofState.Failed, dialler.State);
        Assert.False(dialler.TryTakeOutput(out _));
        Assert.Equal(ProofState.Pending, acceptor.State);
    }

    [Test]
    public void A_dialler_with_another_passphrase_is_refused()
    {
        var (dialler, acceptor) = (Dialler(Wrong), Acceptor(Right));
        acceptor.Receive(Take(dialler));
        var answer = Take(acceptor);
        dialler.Receive(answer);
        Assert.Equal(ProofState.Failed, dialler.State);

        // And one that ignores that and makes something up.
        acceptor.Receive(answer.AsSpan(33, 32));
        Assert.Equal(ProofState.Failed, acceptor.State);
    }

    [Test]
    [Arguments("binding")]
    [Arguments("dialler")]
    [Arguments("acceptor")]
    [Arguments("roles")]
    public void A_proof_is_of_one_connection_between_two_endpoints(string different)
    {
        var other = Binding.ToArray();
        other[0]++;
        var dialler = new PassphraseProof(true, Right, Alice, Bob, Binding, new SeededEntropy(1));
        var acceptor = different switch
        {
            "binding" => new PassphraseProof(false, Right, Bob, Alice, other, new SeededEntropy(2)),
            "dialler" => new PassphraseProof(false, Right, Bob, Eve, Binding, new SeededEntropy(2)),
            "acceptor" => new PassphraseProof(false, Right, Eve, Alice, Binding, new SeededEntropy(2)),
            _ => new PassphraseProof(false, Right, Alice, Bob, Binding, new SeededEntropy(2)),
        };

        Exchange(dialler, acceptor);

        Assert.Equal(ProofState.Failed, dialler.State);
        Assert.NotEqual(ProofState.Proved, acceptor.State);
    }

    /// <summary>Eve sends back what she got: it is of the wrong side.</summary>
    [Test]
    public void A_reflected_message_proves_nothing()
    {
        var dialler = Dialler(Right);
        var hello = Take(dialler);

        dialler.Receive([.. hello, .. new byte[32]]);

        Assert.Equal(ProofState.Failed, dialler.State);
    }

    [Test]
    public void Messages_may_be_cut_at_every_byte()
    {
        for (var cut = 0; cut <= 65; cut++)
        {
            var (dialler, acceptor) = (Dialler(Right), Acceptor(Right));
            Feed(acceptor, Take(dialler), cut);
            Feed(dialler, Take(acceptor), cut);
            Feed(acceptor, Take(dialler), cut);

            Assert.Equal(ProofState.Proved, dialler.State);
            Assert.Equal(ProofState.Proved, acceptor.State);
        }
    }

    [Test]
    public void Every_changed_byte_fails_the_proof()
    {
        for (var at = 0; at < 33 + 65 + 32; at++)
        {
            var (dialler, acceptor) = (Dialler(Right), Acceptor(Right));
            acceptor.Receive(Changed(Take(dialler), at));
            if (acceptor.State == ProofState.Pending) dialler.Receive(Changed(Take(acceptor), at - 33));
            if (dialler.State == ProofState.Proved) acceptor.Receive(Changed(Take(dialler), at - 98));

            Assert.False(
                dialler.State == ProofState.Proved && acceptor.State == ProofState.Proved, $"byte {at}");
        }
    }

    [Test]
    public void No_bytes_prove_anything_by_chance() => Property.Check(
        prng =>
        {
            var proof = prng.Chance(0.5) ? Dialler(Right) : Acceptor(Right);
            for (var i = 0; i < 3; i++) proof.Receive(prng.NextBytes(prng.NextInt32(120)));

            Assert.NotEqual(ProofState.Proved, proof.State);
        },
        runs: 200);

    [Test]
    public void Guesses_from_one_address_hold_up_neither_other_addresses_nor_known_peers()
    {
        var gate = new ProofGate(3, 60);
        var now = Instant.FromUnixSeconds(1000);
        gate.OnProved(Bob);
        for (var i = 0; i < 3; i++) gate.OnFailure(now, IdOf((byte)(10 + i)), "192.0.2.1");

        Assert.False(gate.MayTry(now, Eve, "192.0.2.1"));
        Assert.True(gate.MayTry(now, Bob, "192.0.2.1"));
        Assert.True(gate.MayTry(now, Eve, "192.0.2.2"));
        Assert.True(gate.MayTry(now + TimeSpan.FromMinutes(21), Eve, "192.0.2.1"));
    }

    [Test]
    public void Guesses_from_many_addresses_cost_a_rate_of_work_and_block_nobody_for_long()
    {
        var gate = new ProofGate(3, 60, proofsPerSecond: 2, proofsBurst: 10);
        var now = Instant.FromUnixSeconds(1000);
        gate.OnProved(Bob);

        var begun = Enumerable.Range(0, 1000).Count(i => gate.MayTry(now, Eve, $"192.0.2.{i}"));

        Assert.Equal(10, begun);
        Assert.True(gate.MayTry(now, Bob, "192.0.2.1"));
        Assert.True(gate.MayTry(now + TimeSpan.FromSeconds(1), Eve, "198.51.100.1"));
        Assert.Equal(7, Enumerable.Range(0, 100).Count(i => gate.MayTry(now + TimeSpan.FromSeconds(4), Eve, $"{i}")));
    }

    private static PassphraseProof Dialler(SyncKeys keys) =>
        new(true, keys, Alice, Bob, Binding, new SeededEntropy(1));

    private static PassphraseProof Acceptor(SyncKeys keys) =>
        new(false, keys, Bob, Alice, Binding, new SeededEntropy(2));

    private static EndpointId IdOf(byte seed)
    {
        using var key = new SecretKey([.. Enumerable.Repeat(seed, SecretKey.SeedBytes)]);
        return key.Id;
    }

    private static int Exchange(PassphraseProof one, PassphraseProof other)
    {
        var total = 0;
        for (var isAny = true; isAny;)
        {
            isAny = false;
            foreach (var (from, to) in new[] { (one, other), (other, one) })
            {
                while (from.TryTakeOutput(out var bytes))
                {
                    isAny = true;
                    total += bytes.Length;
                    to.Receive(bytes.Span);
                }
            }
        }

        return total;
    }

    private static byte[] Take(PassphraseProof proof)
    {
        Assert.True(proof.TryTakeOutput(out var bytes));
        return bytes.ToArray();
    }

    private static void Feed(PassphraseProof proof, byte[] bytes, int cut)
    {
        cut = Math.Min(cut, bytes.Length);
        proof.Receive(bytes.AsSpan(0, cut));
        proof.Receive(bytes.AsSpan(cut));
    }

    private static byte[] Changed(byte[] bytes, int at)
    {
        if (at >= 0 && at < bytes.Length) bytes[at] ^= 4;
        return bytes;
    }
}
