using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Sync.Records;

/// <summary>A statement about a range of keys.</summary>
/// <param name="Prefix">The range.</param>
public abstract record RangeClaim(KeyPrefix Prefix)
{
    /// <summary>What the range comes to at the sender.</summary>
    public sealed record Whole(KeyPrefix Prefix, UInt128 Sum) : RangeClaim(Prefix);

    /// <summary>What its sixteen parts come to; zero for one without records.</summary>
    public sealed record Parts(KeyPrefix Prefix, UInt128[] Sums) : RangeClaim(Prefix);

    /// <summary>All keys of the range at the sender, with the first 64 bits of their digests.</summary>
    public sealed record Keys(KeyPrefix Prefix, IReadOnlyList<(AssetHash Key, ulong Digest)> Entries)
        : RangeClaim(Prefix);
}

/// <summary>What follows from the claims of a peer.</summary>
/// <param name="Claims">To send back; none where the range is decided.</param>
/// <param name="Offers">Ranges of which all records are to be sent.</param>
/// <param name="Send">Records that the peer lacks or has otherwise.</param>
/// <param name="Get">Records that this store lacks. One that both have otherwise is sent, and comes back
/// merged.</param>
public sealed record RangeOutcome(
    List<RangeClaim> Claims, List<KeyPrefix> Offers, List<AssetHash> Send, List<AssetHash> Get);

/// <summary>
/// Finds the records in which two stores differ. Equal ranges end at once; a range that differs is taken apart by hex
/// digits until few records are left, and then their keys are compared. What it costs grows with the number of
/// differences and with the logarithm of the number of records.
/// </summary>
public static class Reconciliation
{
    /// <summary>Ranges with as many records or fewer are compared key by key.</summary>
    public const int KeysMax = 8;

    /// <summary>The first claim of a comparison.</summary>
    public static RangeClaim Begin(RecordIndex index) => Claim(index, KeyPrefix.All);

    /// <summary>A comparison's next step.</summary>
    public static RangeOutcome Answer(RecordIndex index, IReadOnlyList<RangeClaim> claims)
    {
        var outcome = new RangeOutcome([], [], [], []);
        foreach (var claim in claims)
        {
            switch (claim)
            {
                case RangeClaim.Whole whole:
                    if (index.FingerprintOf(whole.Prefix).Sum != whole.Sum) Descend(index, whole.Prefix, outcome);
                    break;
                case RangeClaim.Parts parts: AnswerParts(index, parts, outcome); break;
                case RangeClaim.Keys keys: AnswerKeys(index, keys, outcome); break;
            }
        }

        return outcome;
    }

    private static RangeClaim.Whole Claim(RecordIndex index, KeyPrefix prefix) =>
        new(prefix, index.FingerprintOf(prefix).Sum);

    private static void Descend(RecordIndex index, KeyPrefix prefix, RangeOutcome outcome)
    {
        if (index.FingerprintOf(prefix).Count <= KeysMax || prefix.Digits == KeyPrefix.DigitsMax)
        {
            outcome.Claims.Add(new RangeClaim.Keys(
                prefix,
                [.. index.EntriesOf(prefix).OrderBy(e => e.Key).Select(e => (e.Key, Short(e.Digest)))]));
            return;
        }

        var sums = new UInt128[16];
        for (var digit = 0; digit < sums.Length; digit++) sums[digit] = index.FingerprintOf(prefix.Child(digit)).Sum;
        outcome.Claims.Add(new RangeClaim.Parts(prefix, sums));
    }

    private static void AnswerParts(RecordIndex index, RangeClaim.Parts parts, RangeOutcome outcome)
    {
        if (parts.Prefix.Digits >= KeyPrefix.DigitsMax) return;

        for (var digit = 0; digit < parts.Sums.Length; digit++)
        {
            var child = parts.Prefix.Child(digit);
            var own = index.FingerprintOf(child);
            if (own.Sum == parts.Sums[digit]) continue;

            if (parts.Sums[digit] == 0) outcome.Offers.Add(child);
            else Descend(index, child, outcome);
        }
    }

    private static void AnswerKeys(RecordIndex index, RangeClaim.Keys keys, RangeOutcome outcome)
    {
        var theirs = keys.Entries.ToDictionary(e => e.Key, e => e.Digest);
        foreach (var (key, _) in keys.Entries)
        {
            if (!index.TryGet(key, out var _)) outcome.Get.Add(key);
        }

        foreach (var (key, digest) in index.EntriesOf(keys.Prefix))
        {
            if (!theirs.TryGetValue(key, out var their) || their != Short(digest)) outcome.Send.Add(key);
        }
    }

    private static ulong Short(UInt128 digest) => (ulong)(digest >> 64);
}
