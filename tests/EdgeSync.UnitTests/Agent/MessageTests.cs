using System.Text;
using EdgeSync.Agent;
using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Agent;

public class MessageTests
{
    private static readonly string Uuid = new('3', 40);

    [Test]
    public void An_announcement_begins_as_the_originals()
    {
        var text = Encoding.UTF8.GetString(new Announcement { Rid = 12, Uuid = Uuid, PeerId = "ship7" }.ToBytes());

        Assert.Equal($$"""{"rid":12,"uuid":"{{Uuid}}","peer_id":"ship7"}""", text);
    }

    [Test]
    public void The_originals_announcement_is_read()
    {
        Assert.True(
            Announcement.TryParse(
                Encoding.UTF8.GetBytes($$"""{"rid":7,"uuid":"{{Uuid}}","peer_id":"a.b"}"""), out var read));

        Assert.Equal((7, Uuid, "a.b", AnnouncedKind.CheckIn), (read.Rid, read.Uuid, read.PeerId, read.Kind));
        Assert.Null(read.Role);
        Assert.True(read.TryGetArtifact(out _));
    }

    [Test]
    [Arguments("")]
    [Arguments("{}")]
    [Arguments("[]")]
    [Arguments("""{"rid":1,"uuid":"xyz","peer_id":"a"}""")]
    [Arguments("""{"rid":1,"uuid":"3333333333333333333333333333333333333333","peer_id":"a b"}""")]
    [Arguments("""{"rid":1,"uuid":"3333333333333333333333333333333333333333","peer_id":"a..b"}""")]
    [Arguments("""{"rid":1,"uuid":"3333333333333333333333333333333333333333","peer_id":">"}""")]
    [Arguments("""{"rid":1,"uuid":"3333333333333333333333333333333333333333","peer_id":"a","hub":"*"}""")]
    [Arguments("""{"rid":1,"uuid":"3333333333333333333333333333333333333333","peer_id":"a"} more""")]
    [Arguments("""{"rid":1,"uuid":"3333333333333333333333333333333333333333","peer_id":"a" """)]
    public void An_invalid_announcement_is_rejected(string text) =>
        Assert.False(Announcement.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Test]
    public void Files_that_came_along_are_named_and_others_than_hashes_are_not_read()
    {
        var file = new string('4', 64);
        var text = Encoding.UTF8.GetString(
            new Announcement { Rid = 12, Uuid = Uuid, PeerId = "ship7", Files = [file] }.ToBytes());
        Assert.EndsWith($$""","with":["{{file}}"]}""", text);

        Assert.True(
            Announcement.TryParse(Encoding.UTF8.GetBytes(text.Replace("[", "[1,\"no hash\",[2],")), out var read));
        Assert.Equal([Uuid, file], read.Artifacts().ConvertAll(a => a.ToString()));
    }

    [Test]
    public void Many_files_fit_and_more_are_left_out()
    {
        var bytes = new Announcement
        {
            Rid = 12,
            Uuid = new string('3', 64),
            PeerId = "ship7",
            Files = [.. Enumerable.Repeat(new string('4', 64), 100)]
        }.ToBytes();

        Assert.True(bytes.Length < Announcement.BytesMax);
        Assert.True(Announcement.TryParse(bytes, out var read));
        Assert.Equal(Announcement.FilesMax, read.Files.Count);
    }

    [Test]
    public void Unknown_fields_of_any_shape_are_skipped()
    {
        var text = $$"""{"new":{"a":[1,{"b":2}]},"uuid":"{{Uuid}}","list":[[1]],"peer_id":"p","rid":1.5}""";

        Assert.True(Announcement.TryParse(Encoding.UTF8.GetBytes(text), out var read));
        Assert.Equal((0, "p"), (read.Rid, read.PeerId));
    }

    [Test]
    public void What_is_written_is_read() => Property.Check(prng =>
    {
        var announcement = new Announcement
        {
            Rid = prng.NextInt32(1 << 30),
            Uuid = ArtifactHash.Compute(HashKind.Sha3, prng.NextBytes(4)).ToString(),
            PeerId = prng.Chance(0.2) ? null : $"node{prng.NextInt32(9)}",
            Kind = (AnnouncedKind)prng.NextInt32(4),
            Role = prng.Chance(0.3) ? null : (NodeRole)prng.NextInt32(3),
            Hub = prng.Chance(0.5) ? null : "port.hub",
        };
        var presence = new Presence
        {
            PeerId = "p",
            State = (PresenceState)prng.NextInt32(3),
            Role = (NodeRole)prng.NextInt32(3),
            Hub = prng.Chance(0.5) ? null : "h",
            Version = "1.2.3",
            Platform = prng.Chance(0.5) ? "" : "linux/arm64",
            Capabilities = prng.Chance(0.5) ? [] : ["serve-http", "push"],
            Interval = TimeSpan.FromSeconds(prng.NextInt32(1, 3600)),
            CheckIns = prng.NextInt32(1 << 30),
            Head = prng.Chance(0.3) ? default : ArtifactHash.Compute(HashKind.Sha1, prng.NextBytes(4)),
            SinceSync = prng.Chance(0.5) ? null : TimeSpan.FromSeconds(prng.NextInt32(1 << 20)),
            Behind = prng.Chance(0.5) ? null : "no \"way\" there",
        };

        Assert.True(Announcement.TryParse(announcement.ToBytes(), out var announcementRead));
        Assert.True(Presence.TryParse(presence.ToBytes(), out var presenceRead));

        Assert.Equal(announcement, announcementRead);
        Assert.Equal(presence with { Capabilities = [] }, presenceRead with { Capabilities = [] });
        Assert.Equal(presence.Capabilities, presenceRead.Capabilities);
    });

    [Test]
    public void No_bytes_make_a_parser_throw() => Property.Check(
        prng =>
        {
            var seeds = new[]
            {
                new Announcement { Uuid = Uuid, PeerId = "p", Hub = "h" }.ToBytes(),
                new Presence { PeerId = "p", Capabilities = ["a", "b"] }.ToBytes(),
            };
            var bytes = prng.Pick<byte[]>(seeds);
            for (var i = prng.NextInt32(6); i > 0; i--) bytes[prng.NextInt32(bytes.Length)] = (byte)prng.NextInt32(256);
            var cut = bytes[..prng.NextInt32(bytes.Length + 1)];

            _ = Announcement.TryParse(cut, out _);
            _ = Presence.TryParse(cut, out _);
        },
        runs: 3000);

    [Test]
    [Arguments("ship7.local", "ship7-local")]
    [Arguments("", "unknown")]
    [Arguments("a b*", "a-b-")]
    public void A_nodes_name_becomes_one_token(string text, string name)
    {
        Assert.Equal(name, ProjectSubjects.PeerNameOf(text));
        Assert.True(ProjectSubjects.IsPeerName(name));
    }

    [Test]
    public void Subjects_are_the_originals()
    {
        var subjects = new ProjectSubjects("fossil", "c0de");

        Assert.Equal(
            ("fossil.c0de.sync", "fossil.c0de.sync.hub", "fossil.c0de.commit", "sync-c0de"),
            (subjects.Sync, subjects.SyncOf("hub"), subjects.Commit, subjects.QueueGroup));
    }
}
