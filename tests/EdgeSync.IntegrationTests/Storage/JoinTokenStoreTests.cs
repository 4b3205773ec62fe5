using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class JoinTokenStoreTests : IDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
    private readonly Repository _repository;

    public JoinTokenStoreTests() =>
        _repository = Repository.Create(
            ":memory:", new RepositoryCreateOptions { Entropy = new SeededEntropy(7), Clock = _clock });

    public void Dispose() => _repository.Dispose();

    [Test]
    public void A_token_becomes_a_login_in_the_user_list()
    {
        var (token, expires) = _repository.JoinTokens.Create(Day);
        var grant = _repository.JoinTokens.Redeem(token, "ship7")!;

        Assert.Equal(_repository.Now + Day, expires);
        Assert.Equal("ship7", grant.Login);
        Assert.Equal(32, grant.Password.Length);
        var user = _repository.Users.Get("ship7");
        Assert.Equal(("gio", "joined by code 2026-11-22"), (user.Capabilities, user.Info));
        Assert.Equal(
            [("ship7", PasswordHash.Compute(_repository.ProjectCode, "ship7", grant.Password))],
            _repository.JoinTokens.Members());

        _repository.Users.Remove("ship7");

        Assert.Empty(_repository.JoinTokens.Members());
    }

    [Test]
    public void A_token_works_once()
    {
        var (token, _) = _repository.JoinTokens.Create(Day);
        _repository.JoinTokens.Redeem(token, "ship7");

        var refusal = Assert.Throws<EdgeSyncException>(() => _repository.JoinTokens.Redeem(token, "ship8"));

        Assert.Equal(ErrorKind.Denied, refusal.Kind);
        Assert.Equal("the join code was used already, on 2026-11-22 12:00 UTC by ship7", refusal.Message);
        Assert.False(_repository.Users.TryGet("ship8", out _));
    }

    [Test]
    public void An_expired_token_is_reported()
    {
        var (token, _) = _repository.JoinTokens.Create(Day);
        _clock.Advance(Day);

        var refusal = Assert.Throws<EdgeSyncException>(() => _repository.JoinTokens.Redeem(token, "ship7"));

        Assert.Equal(
            (ErrorKind.Denied, "the join code is expired since 2026-11-23 12:00 UTC"), (refusal.Kind, refusal.Message));
        Assert.False(_repository.Users.TryGet("ship7", out _));
    }

    [Test]
    public void A_wrong_token_is_unknown()
    {
        var (token, _) = _repository.JoinTokens.Create(Day);
        token[3] ^= 1;

        Assert.Null(_repository.JoinTokens.Redeem(token, "ship7"));
    }

    [Test]
    public void Tokens_are_stored_hashed_and_deleted_in_the_end()
    {
        var (token, _) = _repository.JoinTokens.Create(Day);
        var row = Assert.Single(_repository.Settings.List("edgesync:join:"));

        Assert.DoesNotContain(Convert.ToHexStringLower(token), row.Name + row.Value, StringComparison.Ordinal);

        _clock.Advance(TimeSpan.FromDays(40));
        _repository.JoinTokens.Create(Day);

        Assert.NotEqual(row.Name, Assert.Single(_repository.Settings.List("edgesync:join:")).Name);
    }

    [Test]
    public void Machines_of_one_name_get_logins_of_their_own()
    {
        var logins = Enumerable.Range(0, 3)
            .Select(_ => _repository.JoinTokens.Redeem(_repository.JoinTokens.Create(Day).Token, "pi")!.Login);

        Assert.Equal(["pi", "pi-2", "pi-3"], logins.ToArray());
    }

    [Test]
    public void A_token_for_an_existing_user_renews_it()
    {
        var before = _repository.Users.Add("bob", "o");
        var grant = _repository.JoinTokens.Redeem(_repository.JoinTokens.Create(Day, "gi", "bob").Token, "pi")!;

        Assert.Equal(("bob", "gi"), (grant.Login, _repository.Users.Get("bob").Capabilities));
        Assert.NotEqual(before, grant.Password);
        Assert.Equal("bob", Assert.Single(_repository.JoinTokens.Members()).Login);
    }

    [Test]
    public void A_reserved_login_is_given_to_no_machine() =>
        Assert.Equal(
            "nobody-2", _repository.JoinTokens.Redeem(_repository.JoinTokens.Create(Day).Token, "nobody")!.Login);

    private sealed class ManualClock(DateTimeOffset now) : TimeProvider
    {
        private DateTimeOffset _now = now;

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan span) => _now += span;
    }
}
