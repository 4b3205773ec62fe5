using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Sync;

/// <summary>Two sessions of one repository at a time, with peers that hold the same news.</summary>
public sealed class PullClaimsTests : IDisposable
{
    private static readonly Instant Now = DirectExchange.Now;

    private readonly MemoryArtifactStore _server = SampleProject.Create();
    private readonly MemoryArtifactStore _client = SampleProject.Create();
    private readonly PullClaims _claims = new();
    private readonly ClientSession _one;
    private readonly ClientSession _two;
    private readonly PullClaim _claimOfOne;
    private readonly ArtifactId _big;

    public PullClaimsTests()
    {
        _big = _server.Add(new Prng(1).NextBytes(100_000));
        _claimOfOne = _claims.Open(Now);
        _one = new ClientSession(
            _client, SampleProject.Options(SyncActions.Sync) with { Claim = _claimOfOne }, new SeededEntropy(1));
        _two = new ClientSession(
            _client, SampleProject.Options(SyncActions.Sync) with { Claim = _claims.Open(Now) }, new SeededEntropy(2));
    }

    public void Dispose()
    {
        _one.Dispose();
        _two.Dispose();
        Assert.Equal(0, _claims.Count);
    }

    [Test]
    public void A_claimed_artifact_is_left_to_its_session()
    {
        Round(_one, Now);                       // brings the name
        var reply = Ask(_one, Now, out var request);
        Assert.Contains($"gimme {_big}", request, StringComparison.Ordinal);

        while (Round(_two, Now) is { } asked) Assert.DoesNotContain($"gimme {_big}", asked, StringComparison.Ordinal);

        Assert.True(_two.Report is { IsOk: true, LeftToOthers: true });
        _one.Receive(Now, reply);
        Assert.Contains(_big, _client.HeldIds());
        Assert.False(_one.Report.LeftToOthers);
    }

    [Test]
    public void A_lost_request_holds_nothing_back()
    {
        Round(_one, Now);
        Ask(_one, Now, out _);
        _one.OnLost();

        while (Round(_two, Now) is not null) { }

        Assert.Contains(_big, _client.HeldIds());
        Assert.False(_two.Report.LeftToOthers);
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_peer_that_fell_silent_holds_nothing_back_and_one_that_is_slow_does(bool isHeard)
    {
        Round(_one, Now);
        Ask(_one, Now, out _);
        var later = Now + (2 * PullClaims.SilenceMax);
        if (isHeard) _claimOfOne.OnHeard(later);

        while (Round(_two, later) is not null) { }

        Assert.Equal(isHeard, _two.Report.LeftToOthers);
        Assert.Equal(!isHeard, _client.HeldIds().Contains(_big));
    }

    [Test]
    public void An_announced_artifact_is_requested_once()
    {
        using var first = new ClientSession(
            _client, SampleProject.Options(SyncActions.Pull) with { Claim = _claims.Open(Now), Wanted = [_big] },
            new SeededEntropy(3));
        using var second = new ClientSession(
            _client, SampleProject.Options(SyncActions.Pull) with { Claim = _claims.Open(Now), Wanted = [_big] },
            new SeededEntropy(4));

        Ask(first, Now, out var one);
        Ask(second, Now, out var two);

        Assert.Contains($"gimme {_big}", one, StringComparison.Ordinal);
        Assert.DoesNotContain($"gimme {_big}", two, StringComparison.Ordinal);
    }

    /// <summary>One request and its reply; null: the session is over.</summary>
    private string? Round(ClientSession session, Instant now)
    {
        var buffer = new ArrayBufferWriter<byte>();
        if (!session.TryBuildRequest(now, buffer)) return null;

        session.Receive(now, new DirectExchange(_server).Answer(buffer.WrittenSpan.ToArray()));
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private byte[] Ask(ClientSession session, Instant now, out string request)
    {
        var buffer = new ArrayBufferWriter<byte>();
        Assert.True(session.TryBuildRequest(now, buffer));
        request = Encoding.UTF8.GetString(buffer.WrittenSpan);
        return new DirectExchange(_server).Answer(buffer.WrittenSpan.ToArray());
    }
}
