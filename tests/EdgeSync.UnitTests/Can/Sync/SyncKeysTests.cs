using EdgeSync.Can.Sync.Passphrase;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class SyncKeysTests
{
    private static readonly StretchCost Cheap = new(8, 1);

    /// <summary>Spec: can.md §7.2, computed by the original's rule.</summary>
    [Test]
    [Arguments(0, "tic7sa569tzhisnh6i89adxyjejjxa59ps7f8p39owc3811iirwy")]
    [Arguments(1, "yy3gzwfr46chb35rcaijkm7119iujbzg3uquhr9i3giz84mh4ejy")]
    [Arguments(7, "1jwsqiasoezzp3bwp1k64yoq1p3757qyjkh9b1ojj57pkcxmtydo")]
    public void Compatible_slots_are_those_of_the_original(int slot, string name)
    {
        using var keys = SyncKeys.Derive("my-secret-phrase", cost: Cheap);
        using var compatible = SyncKeys.Compatible("my-secret-phrase", keys);
        using var key = compatible.SlotKey(slot);

        Assert.Equal(name, key.Id.ToZ32());
    }

    /// <summary>
    /// Spec: can.md §7.1: BLAKE3 of the UTF-8 text <c>can-sync-gossip:{passphrase}</c>, 32 bytes, computed here by
    /// itself.
    /// </summary>
    [Test]
    [Arguments("my-secret-phrase")]
    [Arguments("ä \u20ac")]
    public void The_compatible_topic_is_that_of_the_original(string passphrase)
    {
        using var keys = SyncKeys.Derive(passphrase, cost: Cheap);
        using var compatible = SyncKeys.Compatible(passphrase, keys);
        var text = System.Text.Encoding.UTF8.GetBytes("can-sync-gossip:" + passphrase);

        Assert.Equal(Convert.ToHexStringLower(SyncHash.Compute(text)), compatible.Topic.ToString());
        Assert.NotEqual(keys.Topic, compatible.Topic);
    }

    [Test]
    public void Argon2id_is_that_of_the_standard()
    {
        // RFC 9106 §5.3.
        var output = SyncKeys.Argon2id(
            Repeat(1, 32), Repeat(2, 16), new StretchCost(32, 3), lanes: 4, secret: Repeat(3, 8), bound: Repeat(4, 12));

        Assert.Equal(
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659", Convert.ToHexStringLower(output));
    }

    /// <summary>Other machines derive the same, also by later versions.</summary>
    [Test]
    public void What_is_derived_does_not_change()
    {
        using var keys = SyncKeys.Derive("my-secret-phrase", cost: Cheap);
        using var slot = keys.SlotKey(0);

        var derived = $"{keys.Topic} {slot.Id.ToZ32()} {Convert.ToHexStringLower(keys.Secret)}";
        Assert.True(
            derived == "6685a5c75cba59067ec55c4620580f278172cf5fb9e60330e529efe7e0a8987a "
                + "qbwji8wb5yedfti9bqfancacmsy1wcyxr8thofxpgyz86e5bo3xy "
                + "3709102874002ef1a6aa87143305e27fbf235248b2f7038137bc6af66c5bf53f",
            $"is {derived}");
    }

    [Test]
    public void Passphrase_group_and_cost_each_make_other_keys()
    {
        using var keys = SyncKeys.Derive("a", "b", Cheap);
        using var same = SyncKeys.Derive("a", "b", Cheap);
        using var passphrase = SyncKeys.Derive("A", "b", Cheap);
        using var group = SyncKeys.Derive("a", "c", Cheap);
        using var cost = SyncKeys.Derive("a", "b", new StretchCost(16, 1));

        Assert.Equal(keys.Topic, same.Topic);
        foreach (var other in new[] { passphrase, group, cost })
        {
            Assert.NotEqual(keys.Topic, other.Topic);
            Assert.False(keys.Secret.SequenceEqual(other.Secret));
            using var one = keys.SlotKey(3);
            using var two = other.SlotKey(3);
            Assert.NotEqual(one.Id, two.Id);
        }
    }

    private static byte[] Repeat(byte value, int count) => [.. Enumerable.Repeat(value, count)];
}
