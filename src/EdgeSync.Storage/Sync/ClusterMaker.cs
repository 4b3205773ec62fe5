using System.Buffers;
using EdgeSync.Primitives;

namespace EdgeSync.Storage;

/// <summary>
/// Gathers artifacts that no cluster names into clusters, so that a peer who knows the cluster knows them all without
/// being told each.
/// </summary>
// Spec: xfer.c, create_cluster: from 100 on, sorted by name, a new cluster after every 800 while over 100 would remain.
internal sealed class ClusterMaker(Repository repository)
{
    private const int UnclusteredMin = 100;
    private const int MembersFull = 800;
    private const int RestMin = 100;

    /// <summary>Answers how many clusters were made. Inside a transaction.</summary>
    public int MakeClusters()
    {
        var members = ListMembers();
        if (members.Count < UnclusteredMin) return 0;

        // The clusters themselves are unclustered afterwards: the next ones name them.
        using (var delete = repository.Database.Prepare(
            """
            DELETE FROM unclustered WHERE rid IN (SELECT rid FROM blob WHERE size>=0)
            """))
        {
            delete.Run();
        }

        var count = 0;
        var start = 0;
        for (var left = members.Count; left > 0; count++)
        {
            var size = left > MembersFull + RestMin ? MembersFull : left;
            Write(members.GetRange(start, size));
            (start, left) = (start + size, left - size);
        }

        return count;
    }

    private List<ArtifactId> ListMembers()
    {
        var members = new List<ArtifactId>();
        using var select = repository.Database.Prepare(
            """
            SELECT uuid FROM unclustered CROSS JOIN blob USING(rid)
             WHERE size>=0
               AND NOT EXISTS(SELECT 1 FROM shun WHERE shun.uuid=blob.uuid)
               AND NOT EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid)
             ORDER BY uuid
            """);
        while (select.Step()) members.Add(select.Artifact(0));
        return members;
    }

    private void Write(List<ArtifactId> members)
    {
        var text = new ArrayBufferWriter<byte>(members.Count * (ArtifactId.HexLengthMax + 3) + 64);
        foreach (var member in members)
        {
            text.Write("M "u8);
            member.TryWriteHex(text.GetSpan(ArtifactId.HexLengthMax), out var size);
            text.Advance(size);
            text.Write("\n"u8);
        }

        var checksum = Md5Hasher.Compute(text.WrittenSpan);
        text.Write("Z "u8);
        checksum.WriteHex(text.GetSpan(Md5Digest.HexLength));
        text.Advance(Md5Digest.HexLength);
        text.Write("\n"u8);
        repository.Content.Put(text.WrittenSpan);
    }
}
