using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;

namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>
/// What a passphrase becomes: the keys of the slots in which peers find each other, the topic of gossip, and the
/// secret that connections prove. All of it is derived once (docs/formats/can-sync.md).
/// </summary>
public sealed class SyncKeys : IDisposable
{
    /// <summary>How many slots there are.</summary>
    public const int Slots = 8;

    private const int SaltBytes = 16;

    private readonly byte[][] _slotSeeds;
    private readonly byte[] _secret;

    private SyncKeys(byte[][] slotSeeds, TopicId topic, byte[] secret) =>
        (_slotSeeds, Topic, _secret) = (slotSeeds, topic, secret);

    /// <summary>Of gossip between the stores of this passphrase.</summary>
    public TopicId Topic { get; }

    /// <summary>By which stores of this passphrase know each other on a LAN, 32 hex digits.</summary>
    public string LanTag => Convert.ToHexStringLower(
        SyncHash.Derive("edgesync-can-sync 1 lan"u8, Topic.ToArray()).AsSpan(0, SaltBytes));

    /// <summary>What <see cref="PassphraseProof"/> proves, 32 bytes.</summary>
    internal ReadOnlySpan<byte> Secret => _secret;

    /// <summary>The keys of peers that are EdgeSync's.</summary>
    /// <param name="passphrase">As typed; its UTF-8 bytes count.</param>
    /// <param name="group">Separates mirrors that have the same passphrase by chance; may be empty.</param>
    /// <param name="cost">The same on all machines; null is <see cref="StretchCost.Default"/>.</param>
    public static SyncKeys Derive(string passphrase, string group = "", StretchCost? cost = null)
    {
        var master = Stretch(passphrase, group, cost ?? StretchCost.Default);
        var seeds = new byte[Slots][];
        for (var slot = 0; slot < Slots; slot++)
            seeds[slot] = SyncHash.Derive("edgesync-can-sync 1 slot"u8, [.. master, (byte)slot]);
        var keys = new SyncKeys(
            seeds, new TopicId(SyncHash.Derive("edgesync-can-sync 1 topic"u8, master)),
            SyncHash.Derive("edgesync-can-sync 1 proof"u8, master));
        CryptographicOperations.ZeroMemory(master);
        return keys;
    }

    /// <summary>
    /// Slots and topic as the original has them: one fast hash, so everyone can try passphrases against the public
    /// slots. The secret of the proof stays the memory-hard one of <paramref name="keys"/>.
    /// </summary>
    // Spec: can.md §7.1, §7.2.
    public static SyncKeys Compatible(string passphrase, SyncKeys keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var seeds = new byte[Slots][];
        for (var slot = 0; slot < Slots; slot++)
        {
            seeds[slot] = SyncHash.Compute(Encoding.UTF8.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"can-sync-rendezvous:{passphrase}:{slot}")));
        }

        var topic = new TopicId(SyncHash.Compute(Encoding.UTF8.GetBytes($"can-sync-gossip:{passphrase}")));
        return new SyncKeys(seeds, topic, [.. keys._secret]);
    }

    /// <summary>The key that signs the record of a slot.</summary>
    /// <param name="slot">0 to 7.</param>
    public SecretKey SlotKey(int slot) => new(_slotSeeds[slot]);

    /// <summary>Clears the seeds and the secret.</summary>
    public void Dispose()
    {
        foreach (var seed in _slotSeeds) CryptographicOperations.ZeroMemory(seed);
        CryptographicOperations.ZeroMemory(_secret);
    }

    /// <summary>Argon2id, version 1.3, 32 bytes. Spec: RFC 9106.</summary>
    internal static byte[] Argon2id(
        byte[] password, byte[] salt, StretchCost cost, int lanes = 1, byte[]? secret = null, byte[]? bound = null)
    {
        var generator = new Argon2BytesGenerator();
        generator.Init(new Argon2Parameters.Builder(Argon2Parameters.Argon2id)
            .WithVersion(Argon2Parameters.Version13)
            .WithMemoryAsKB(cost.MemoryKibibytes)
            .WithIterations(cost.Passes)
            .WithParallelism(lanes)
            .WithSalt(salt)
            .WithSecret(secret ?? [])
            .WithAdditional(bound ?? [])
            .Build());
        var output = new byte[SyncHash.Size];
        generator.GenerateBytes(password, output);
        return output;
    }

    // The salt is not secret and the same for all stores of a group: nothing but the passphrase is shared beforehand.
    private static byte[] Stretch(string passphrase, string group, StretchCost cost)
    {
        var salt = SyncHash.Derive("edgesync-can-sync 1 salt"u8, Encoding.UTF8.GetBytes(group))[..SaltBytes];
        var password = Encoding.UTF8.GetBytes(passphrase);
        var master = Argon2id(password, salt, cost);
        CryptographicOperations.ZeroMemory(password);
        return master;
    }
}
