using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class ContentTests
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1000);
    private static readonly AssetHash Hash = AssetHash.Of(1, "x"u8);

    [Test]
    public void A_tree_is_the_same_however_the_content_came() => Property.Check(
        prng =>
        {
            var content = prng.NextBytes(prng.NextInt32(3 * ContentTree.GroupBytes));
            var whole = ContentTree.Of(content);
            using var builder = new ContentTreeBuilder();
            for (var at = 0; at < content.Length;)
            {
                var count = Math.Min(content.Length - at, prng.NextInt32(1, ContentTree.GroupBytes));
                builder.Append(content.AsSpan(at, count));
                at += count;
            }

            Assert.True(whole.Root.Span.SequenceEqual(builder.Finish().Root.Span));
            for (var group = 0; group < whole.Groups; group++)
            {
                var bytes = content.AsSpan((int)ContentTree.OffsetOf(group), whole.BytesOf(group)).ToArray();
                Assert.True(whole.IsGroup(group, bytes));
                bytes[prng.NextInt32(bytes.Length)] ^= 1;
                Assert.False(whole.IsGroup(group, bytes));
            }
        },
        runs: 12);

    /// <summary>Other versions must make the same; the leaf is plain BLAKE3, of "abc" as it is published.</summary>
    [Test]
    public void Leaves_and_root_do_not_change()
    {
        var tree = ContentTree.Of("abc"u8);

        Assert.Equal(
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
            Convert.ToHexStringLower(tree.Leaves.Span));
        var root = Convert.ToHexStringLower(tree.Root.Span);
        Assert.True(root == "4792f4205d00d7f96d83a4300aa61d980dee447386e5cba9749d9a1731482c59", $"is {root}");
        Assert.Equal(0, ContentTree.Of([]).Groups);
    }

    [Test]
    [Arguments(0)]
    [Arguments(1)]
    [Arguments(ContentTree.GroupBytes)]
    [Arguments((2 * ContentTree.GroupBytes) + 1)]
    public void An_upload_is_what_a_download_takes(int size)
    {
        var content = new Prng(1).NextBytes(size);
        var tree = ContentTree.Of(content);
        var download = new Download(Hash, null);

        var received = Transfer(new Upload(download.Request(), 5, tree), download, content);

        Assert.True(download.IsWritten);
        Assert.True(received.AsSpan().SequenceEqual(content));
        Assert.Equal(5, download.TimestampMs);
    }

    [Test]
    public void A_transfer_that_broke_goes_on_where_it_stopped()
    {
        var content = new Prng(1).NextBytes((3 * ContentTree.GroupBytes) + 5);
        var tree = ContentTree.Of(content);
        var download = new Download(Hash, new PartialContent(tree, 2));

        var received = Transfer(new Upload(download.Request(), 5, tree), download, content);

        Assert.True(download.IsWritten);
        Assert.True(received.AsSpan().SequenceEqual(content.AsSpan(2 * ContentTree.GroupBytes)));
    }

    [Test]
    public void A_part_of_other_content_is_started_over()
    {
        var content = new Prng(1).NextBytes(2 * ContentTree.GroupBytes);
        var other = ContentTree.Of(new Prng(2).NextBytes(2 * ContentTree.GroupBytes));
        var download = new Download(Hash, new PartialContent(other, 1));

        var received = Transfer(new Upload(download.Request(), 5, ContentTree.Of(content)), download, content);

        Assert.True(download.StartsOver);
        Assert.True(received.AsSpan().SequenceEqual(content));
    }

    [Test]
    public void Groups_that_do_not_fit_and_messages_out_of_turn_are_refused()
    {
        var content = new Prng(1).NextBytes(2 * ContentTree.GroupBytes);
        var tree = ContentTree.Of(content);
        var head = new MirrorMessage.Head(5, content.Length, 0, tree.Root);
        var leaves = new MirrorMessage.Leaves(tree.Leaves);
        var first = new MirrorMessage.Group(0, content.AsMemory(0, ContentTree.GroupBytes));
        var second = new MirrorMessage.Group(1, content.AsMemory(ContentTree.GroupBytes));

        Assert.Equal(DownloadStep.Protocol, Steps(leaves));
        Assert.Equal(DownloadStep.Protocol, Steps(head, head));
        Assert.Equal(DownloadStep.Protocol, Steps(head, first));
        Assert.Equal(DownloadStep.Protocol, Steps(head, leaves, second));
        Assert.Equal(DownloadStep.Protocol, Steps(head, leaves, first, first));
        Assert.Equal(DownloadStep.Protocol, Steps(head, leaves, leaves));
        Assert.Equal(DownloadStep.Damaged, Steps(head, leaves, new MirrorMessage.Group(0, second.Bytes)));
        Assert.Equal(DownloadStep.Damaged, Steps(head with { Root = new byte[32] }, leaves));
        Assert.Equal(DownloadStep.Refused, Steps(head, leaves, first, new MirrorMessage.Refused(1)));
    }

    [Test]
    public void A_limit_lets_as_many_bytes_pass_as_it_says()
    {
        var limiter = new RateLimiter();
        Assert.True(limiter.IsOpen(Now));
        limiter.SetLimit(Now, 1000);
        var (now, taken) = (Now, 0);
        while (now < Now + TimeSpan.FromSeconds(100))
        {
            if (limiter.OpensAt(now) is { } opens)
            {
                now = opens;
                continue;
            }

            limiter.Take(now, 5000);
            taken += 5000;
        }

        Assert.InRange(taken, 95_000, 110_000);
    }

    [Test]
    public void Limits_have_their_hours_also_over_midnight()
    {
        var plan = new LimitPlan(100, [new LimitHours(22 * 60, 6 * 60, null), new LimitHours(720, 780, 5)]);

        Assert.Equal(
            "100   5 100 ",
            string.Join(' ', new[] { 600, 1320, 0, 740, 780, 359 }.Select(m => plan.At(m)?.ToString(
                System.Globalization.CultureInfo.InvariantCulture))));
    }

    [Test]
    public void A_guard_goes_on_counting_after_a_restart()
    {
        var before = new DeletionGuard(10, 0.5);
        for (var i = 0; i < 8; i++) Assert.True(before.Allows(Now, 5));

        var after = new DeletionGuard(10, 0.5);
        after.Restore(Now + TimeSpan.FromMinutes(1), before.State);
        Assert.Equal(2, Enumerable.Range(0, 10).Count(_ => after.Allows(Now + TimeSpan.FromMinutes(1), 5)));

        var tripped = new DeletionGuard(10, 0.5);
        tripped.Restore(Now + TimeSpan.FromDays(1), after.State);
        Assert.False(tripped.Allows(Now + TimeSpan.FromDays(1), 5));

        // A clock that was set back by years does not stop deletions for years.
        var old = new DeletionGuard(10, 0.5);
        old.Restore(Now - TimeSpan.FromDays(1000), before.State);
        Assert.Equal(
            10, Enumerable.Range(0, 10).Count(_ => old.Allows(Now - TimeSpan.FromDays(999), 5)));
    }

    [Test]
    public void A_guard_stops_what_is_too_much_in_a_while_until_a_person_decides()
    {
        var guard = new DeletionGuard(10, 0.5);
        for (var i = 0; i < 10; i++) Assert.True(guard.Allows(Now, 5));
        Assert.False(guard.Allows(Now, 5));
        Assert.False(guard.Allows(Now + TimeSpan.FromHours(1), 5));
        Assert.True(guard.IsTripped);

        guard.Open(Now);
        for (var i = 0; i < 100; i++) Assert.True(guard.Allows(Now, 5));

        var slow = new DeletionGuard(10, 0.5);
        for (var i = 0; i < 100; i++) Assert.True(slow.Allows(Now + (i * TimeSpan.FromMinutes(2)), 5));
        // Half of many are not too many, one more is.
        var large = new DeletionGuard(10, 0.5);
        Assert.Equal(500, Enumerable.Range(0, 600).Count(i => large.Allows(Now, 1000 - Math.Min(i, 500))));
        Assert.False(new DeletionGuard(10, 0.5).AllowsAtOnce(Now, 51, 100));
        Assert.True(new DeletionGuard(10, 0.5).AllowsAtOnce(Now, 50, 100));
    }

    private static byte[] Transfer(Upload upload, Download download, byte[] content)
    {
        var received = new List<byte>();
        Assert.NotEqual(DownloadStep.Protocol, download.Take(upload.Head, out _));
        while (!upload.IsDone)
        {
            if (upload.NextLeaves() is { } leaves)
            {
                Assert.Equal(DownloadStep.None, download.Take(leaves, out _));
                continue;
            }

            var (offset, count) = upload.NextRead()!.Value;
            var group = upload.OnRead(content.AsMemory((int)offset, count))!;
            Assert.Equal(DownloadStep.Write, download.Take(group, out var written));
            received.AddRange(written!.Bytes.Span);
            download.OnWritten();
        }

        return [.. received];
    }

    private static DownloadStep Steps(params MirrorMessage[] messages)
    {
        var download = new Download(Hash, null);
        var step = DownloadStep.None;
        foreach (var message in messages) step = download.Take(message, out _);
        return step;
    }
}
