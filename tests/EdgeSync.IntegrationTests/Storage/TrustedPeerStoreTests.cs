using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class TrustedPeerStoreTests : IDisposable
{
    private const string Id = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
    private readonly Repository _repository;

    public TrustedPeerStoreTests() =>
        _repository = Repository.Create(
            ":memory:", new RepositoryCreateOptions { Entropy = new SeededEntropy(7), Clock = _clock });

    public void Dispose() => _repository.Dispose();

    private TrustedPeerStore Peers => _repository.TrustedPeers;

    [Test]
    public void A_peer_is_stored_replaced_and_removed()
    {
        var peer = new TrustedPeer(Id, "gio", _repository.Now) { Name = "ship 7", Ticket = "endpointabc" };

        Peers.Set(peer);
        Assert.Equal([peer], Peers.List());

        Peers.Set(peer with { Capabilities = "o", Name = "", Ticket = null });
        Assert.Equal(new TrustedPeer(Id, "o", _repository.Now), Peers.Find(Id));

        Assert.True(Peers.Remove(Id));
        Assert.False(Peers.Remove(Id));
        Assert.Null(Peers.Find(Id));
    }

    [Test]
    public void A_name_is_one_short_line()
    {
        Peers.Set(new TrustedPeer(Id, "gio", _repository.Now) { Name = "a\nb " + new string('x', 500) });

        var name = Peers.Find(Id)!.Name;
        Assert.True(name.Length <= 64);
        Assert.DoesNotContain('\n', name);
    }

    [Test]
    [Arguments("")]
    [Arguments("g i")]
    [Arguments("gio\n")]
    public void Only_letters_are_capabilities(string letters)
    {
        Assert.Throws<EdgeSyncException>(() => Peers.Set(new TrustedPeer(Id, letters, _repository.Now)));
        Assert.Throws<EdgeSyncException>(() => Peers.CreateToken(TimeSpan.FromMinutes(10), letters));
        Assert.Empty(_repository.Settings.List("edgesync:pe").Concat(_repository.Settings.List("edgesync:pa")));
    }

    [Test]
    public void A_token_works_once_and_is_stored_as_its_hash()
    {
        var (token, expires) = Peers.CreateToken(TimeSpan.FromMinutes(10), "gio");

        Assert.Equal(_repository.Now + TimeSpan.FromMinutes(10), expires);
        var stored = Assert.Single(_repository.Settings.List("edgesync:pair:"));
        Assert.DoesNotContain(Convert.ToHexStringLower(token), stored.Name, StringComparison.Ordinal);
        Assert.Null(Peers.TakeToken(new byte[TrustedPeerStore.TokenBytes]));

        Assert.Equal("gio", Peers.TakeToken(token));
        Assert.Null(Peers.TakeToken(token));
        Assert.Empty(_repository.Settings.List("edgesync:pair:"));
    }

    [Test]
    public void A_token_ends_after_its_time_and_is_removed()
    {
        var (token, _) = Peers.CreateToken(TimeSpan.FromMinutes(10), "gio");

        _clock.Now += TimeSpan.FromMinutes(10);

        Assert.Null(Peers.TakeToken(token));
        Assert.Empty(_repository.Settings.List("edgesync:pair:"));
    }

    private sealed class ManualClock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
