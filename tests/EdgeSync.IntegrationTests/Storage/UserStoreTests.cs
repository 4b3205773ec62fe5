using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class UserStoreTests : IDisposable
{
    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
    private readonly Repository _repository;

    public UserStoreTests() => _repository = Repository.Create(":memory:", new RepositoryCreateOptions
    {
        ProjectCode = "0123456789abcdef0123456789abcdef01234567",
        Entropy = new SeededEntropy(7),
        Clock = _clock,
    });

    public void Dispose() => _repository.Dispose();

    [Test]
    public void Passwords_are_stored_as_stock_hashes_them()
    {
        _repository.Users.Add("tester", "io", "secret");

        Assert.Equal("d415e2802cc715af029a7911bdf39a711e8af1da", _repository.Users.StoredPasswordOf("tester"));
    }

    [Test]
    public void The_first_users_password_is_made_and_hashed()
    {
        using var other = Repository.Create(
            ":memory:", new RepositoryCreateOptions { AdminUser = "me" }, out var password);

        Assert.Equal(16, password.Length);
        Assert.Equal(PasswordHash.Compute(other.ProjectCode, "me", password), other.Users.StoredPasswordOf("me"));
    }

    [Test]
    public void Users_are_added_changed_and_removed()
    {
        var users = _repository.Users;
        var password = users.Add("ann", "i");
        Assert.Equal(16, password.Length);

        users.SetCapabilities("ann", "io");
        Assert.NotEqual(password, users.SetPassword("ann"));
        Assert.Equal("io", users.Get("ann").Capabilities);
        Assert.Contains(users.List(), user => user.Login == "ann" && user.HasPassword);
        Assert.False(users.Ensure("ann", "s"));
        Assert.Equal("io", users.Get("ann").Capabilities);

        users.Remove("ann");
        Assert.False(users.TryGet("ann", out _));
        Assert.Equal(ErrorKind.NotFound, Assert.Throws<EdgeSyncException>(() => users.Remove("ann")).Kind);
    }

    [Test]
    [Arguments("ann", "i!")]
    [Arguments("", "i")]
    [Arguments("a b", "i")]
    [Arguments("a\nb", "i")]
    public void An_invalid_login_or_capability_is_rejected(string login, string letters) =>
        Assert.Equal(
            ErrorKind.Usage, Assert.Throws<EdgeSyncException>(() => _repository.Users.Add(login, letters)).Kind);

    [Test]
    public void A_login_exists_once()
    {
        _repository.Users.Add("ann", "i");

        Assert.Equal(
            ErrorKind.Conflict, Assert.Throws<EdgeSyncException>(() => _repository.Users.Add("ann", "i")).Kind);
    }

    [Test]
    public void An_invitation_expires()
    {
        var token = _repository.Users.Invite("guest", "gio", "http://example/", TimeSpan.FromHours(1));
        Assert.False(_repository.Users.Get("guest").IsExpired);

        _clock.Now += TimeSpan.FromMinutes(61);

        Assert.True(_repository.Users.Get("guest").IsExpired);
        Assert.True(InviteToken.TryParse(token.Encode(), out var parsed));
        Assert.Equal(token, parsed);
        Assert.DoesNotContain(token.Password, token.ToString(), StringComparison.Ordinal);
    }

    [Test]
    [Arguments("2026-11-22 12:30:00", false)]
    [Arguments("2026-11-22 11:30:00", true)]
    [Arguments("2026-11-22T13:30:00+02:00", true)]
    [Arguments("nonsense", true)]
    public void Expiry_is_read_as_utc_and_nonsense_is_over(string text, bool isExpired)
    {
        _repository.Users.Add("guest", "g");
        using (var update = _repository.Database.Prepare("UPDATE user SET cexpire=?1 WHERE login='guest'"))
            update.BindText(1, text).Run();

        Assert.Equal(isExpired, _repository.Users.Get("guest").IsExpired);
    }

    [Test]
    public void The_expiry_of_a_web_cookie_is_not_that_of_the_account()
    {
        _repository.Users.Add("guest", "g");
        _repository.Database.Execute("UPDATE user SET cookie='x', cexpire=2450000.5 WHERE login='guest'");

        Assert.False(_repository.Users.Get("guest").IsExpired);
    }

    [Test]
    [Arguments("")]
    [Arguments("!!!")]
    [Arguments("e30")]
    [Arguments("W10")]
    [Arguments("eyJ1cmwiOjF9")]
    public void An_invalid_token_is_rejected(string text) => Assert.False(InviteToken.TryParse(text, out _));

    [Test]
    public void No_text_makes_the_token_parser_throw() => Property.Check(prng =>
    {
        var token = new InviteToken("http://x/", "l", "p", "c").Encode().ToCharArray();
        for (var i = prng.NextInt32(4); i >= 0; i--)
            token[prng.NextInt32(token.Length)] = (char)prng.NextInt32(32, 128);
        _ = InviteToken.TryParse(new string(token), out _);
    });

    private sealed class ManualClock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
