using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Fossil.Sync;

public sealed class RequestSummaryTests
{
    private static readonly Instant Start = new(1_000_000_000_000);
    private static readonly RequestSummary Pull = new(StoreAccess.Read, MakesClusters: true);

    [Test]
    [Arguments("", StoreAccess.Read, false)]
    [Arguments("login a b c\n", StoreAccess.Read, false)]
    [Arguments("pull a b\n", StoreAccess.Read, true)]
    [Arguments("login a b c\npull a b\nigot x\n", StoreAccess.Read, true)]
    [Arguments("clone 3 1\n", StoreAccess.Read, false)]
    [Arguments("push a b\n", StoreAccess.Write, false)]
    [Arguments("pull a b\npush a b\n", StoreAccess.Write, false)]
    [Arguments("pragma ci-lock a b\n", StoreAccess.Write, false)]
    [Arguments("pragma ci-unlock a b\n", StoreAccess.Write, false)]
    [Arguments("pragma client-version 1\npull a b\n", StoreAccess.Read, true)]
    [Arguments("file x 3\npull a b\n", StoreAccess.Write, false)]
    public void Summarizes_the_needs_of_a_request(string request, StoreAccess access, bool makesClusters) =>
        Assert.Equal(
            new RequestSummary(access, makesClusters),
            RequestSummary.Of(Encoding.ASCII.GetBytes(request), XferLimits.Default));

    /// <summary>A word in the bytes of a file is no card.</summary>
    [Test]
    public void Payload_bytes_are_not_cards() =>
        Assert.Equal(
            new RequestSummary(StoreAccess.Read, MakesClusters: false),
            RequestSummary.Of("uvigot a 1 b 2\nreqconfig /x\n# pull a b\n"u8, XferLimits.Default));

    [Test]
    public void One_pull_a_minute_makes_clusters_and_the_first_after_a_change()
    {
        var schedule = new ClusterSchedule();

        Assert.True(schedule.Limit(Pull, Start).MakesClusters);
        Assert.False(schedule.Limit(Pull, Start).MakesClusters);
        Assert.False(schedule.Limit(Pull, Start + TimeSpan.FromSeconds(59)).MakesClusters);
        Assert.True(schedule.Limit(Pull, Start + TimeSpan.FromSeconds(60)).MakesClusters);

        schedule.OnChanged();
        Assert.True(schedule.Limit(Pull, Start + TimeSpan.FromSeconds(61)).MakesClusters);
        Assert.False(schedule.Limit(Pull, Start + TimeSpan.FromSeconds(62)).MakesClusters);
    }

    [Test]
    public void A_request_without_clusters_leaves_the_turn()
    {
        var schedule = new ClusterSchedule();
        var clone = new RequestSummary(StoreAccess.Read, MakesClusters: false);

        Assert.Equal(clone, schedule.Limit(clone, Start));
        Assert.True(schedule.Limit(Pull, Start).MakesClusters);
    }
}
