using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class ReconciliationTests
{
    [Test]
    public void Fingerprints_are_those_of_a_plain_list() => Property.Check(
        prng =>
        {
            var (index, plain) = (new RecordIndex(), new Dictionary<AssetHash, UInt128>());
            for (var i = prng.NextInt32(400); i > 0; i--)
            {
                var key = KeyOf(prng.NextInt32(200));
                if (prng.Chance(0.3))
                {
                    Assert.Equal(plain.Remove(key), index.Remove(key));
                    continue;
                }

                plain[key] = DigestOf(prng);
                index.Set(key, plain[key]);
            }

            Assert.Equal(plain.Count, index.Count);
            for (var prefix = KeyPrefix.All; prefix.Digits < 4; prefix = prefix.Child(prng.NextInt32(16)))
            {
                var within = plain.Where(p => prefix.Contains(p.Key)).ToList();
                var sum = within.Aggregate(default(UInt128), (s, p) => unchecked(s + p.Value));
                Assert.Equal(new Fingerprint(sum, within.Count), index.FingerprintOf(prefix));
                Assert.Equal(
                    within.Select(p => p.Key).Order().Select(k => k.ToString()),
                    index.EntriesOf(prefix).Select(e => e.Key).Order().Select(k => k.ToString()));
            }
        },
        runs: 60);

    [Test]
    public void Two_sets_become_equal() => Property.Check(
        prng =>
        {
            var (one, other) = (new RecordIndex(), new RecordIndex());
            var count = prng.NextInt32(prng.Chance(0.2) ? 3000 : 100);
            for (var i = 0; i < count; i++)
            {
                var (key, digest) = (KeyOf(i), DigestOf(prng));
                if (!prng.Chance(0.1)) one.Set(key, digest);
                if (!prng.Chance(0.1)) other.Set(key, prng.Chance(0.05) ? DigestOf(prng) : digest);
            }

            Compare(one, other);

            Assert.Equal(one.FingerprintOf(KeyPrefix.All), other.FingerprintOf(KeyPrefix.All));
        },
        runs: 60);

    [Test]
    public void Equal_sets_cost_one_message_and_few_differences_cost_little()
    {
        var prng = new Prng(1);
        var (one, other) = (new RecordIndex(), new RecordIndex());
        for (var i = 0; i < 100_000; i++)
        {
            var (key, digest) = (new AssetHash(prng.NextBytes(AssetHash.Size)), DigestOf(prng));
            one.Set(key, digest);
            other.Set(key, digest);
        }

        var equal = Compare(one, other);
        for (var i = 0; i < 10; i++) one.Set(KeyOf(100_000 + i), DigestOf(prng));
        var different = Compare(one, other);

        // The same each time: keys and digests are.
        var costs = $"{equal}; {different}";
        Assert.True(costs == "24 bytes, 0 records; 7040 bytes, 10 records", $"is {costs}");
    }

    /// <summary>Both sides in turn, as two connected nodes do it; a record that both have otherwise becomes the greater
    /// one.</summary>
    private static string Compare(RecordIndex one, RecordIndex other)
    {
        var (bytes, records) = (0, 0);
        List<RangeClaim> claims = [Reconciliation.Begin(one)];
        var (sender, receiver) = (one, other);
        while (claims.Count > 0)
        {
            var frame = new MirrorMessage.Ranges(claims).ToFrame();
            bytes += frame.Length;
            Assert.True(MirrorMessage.TryRead(frame[0], frame.AsMemory(FrameBuffer.HeadBytes), out var read));

            var outcome = Reconciliation.Answer(receiver, ((MirrorMessage.Ranges)read!).Claims);
            var sent = outcome.Send.Concat(outcome.Offers.SelectMany(o => receiver.EntriesOf(o).Select(e => e.Key)));
            foreach (var key in sent.ToList())
            {
                records++;
                Merge(sender, receiver, key);
            }

            foreach (var key in outcome.Get)
            {
                records++;
                Merge(receiver, sender, key);
            }

            claims = outcome.Claims;
            (sender, receiver) = (receiver, sender);
        }

        return $"{bytes} bytes, {records} records";
    }

    private static void Merge(RecordIndex target, RecordIndex source, AssetHash key)
    {
        Assert.True(source.TryGet(key, out var digest));
        if (target.TryGet(key, out var own) && own > digest) source.Set(key, own);
        else target.Set(key, digest);
    }

    private static AssetHash KeyOf(int number) => AssetHash.Of(number, "key"u8);

    private static UInt128 DigestOf(Prng prng) => new(prng.NextUInt64(), prng.NextUInt64());
}
