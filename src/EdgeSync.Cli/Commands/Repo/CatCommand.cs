using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

internal static class CatCommand
{
    private static readonly Argument<string> Name = new("ARTIFACT")
    {
        Description = "Name of an artifact, or with --version the path of a file."
    };
    private static readonly Option<string?> Version = new("--version", "-r")
    {
        Description = "Print the file ARTIFACT of this check-in.",
        HelpName = "VERSION"
    };
    private static readonly Option<bool> Raw = new("--raw")
    {
        Description = "Print the stored form: a delta is not expanded."
    };

    public static CommandSpec Create() => new("cat", "Print an artifact or a file.", Run)
    {
        Arguments = { Name },
        Options = { Version, Raw },
        Examples = ["repo cat tip", "repo cat README.md -r trunk", "repo cat --raw 3f6c19d2"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var rid = Find(context, repository);
        if (context.Get(Raw))
        {
            Print(context, repository, rid, ReadStored(repository, rid));
            return ExitCode.Ok;
        }

        using var content = repository.Content.Get(rid);
        Print(context, repository, rid, content.Span);
        return ExitCode.Ok;
    }

    private static RecordId Find(CommandContext context, Repository repository)
    {
        var name = context.Require(Name);
        if (context.Get(Version) is not { } version) return repository.Names.Resolve(name);

        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(version));
        return repository.Content.Find(TreeFile.Get(tree, name, version).Id);
    }

    private static byte[] ReadStored(Repository repository, RecordId rid)
    {
        if (!repository.Content.TryReadStored(rid, out var stored, out _))
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"{repository.Content.NameOf(rid)} is only a phantom", "edgesync repo pull");

        using var inflater = new Inflater();
        return BlobCodec.TryDecode(inflater, stored, Array.MaxLength, out var content, out var fault)
            ? content
            : throw new EdgeSyncException(
                ErrorKind.Corrupt, $"{repository.Content.NameOf(rid)} is damaged: {fault}", "edgesync repo verify");
    }

    private static void Print(CommandContext context, Repository repository, RecordId rid, ReadOnlySpan<byte> content)
    {
        if (!context.Output.IsJson)
        {
            context.Output.Raw.Write(content);
            return;
        }

        context.Output.Write(CatReport.Of(repository.Content.NameOf(rid), content));
    }
}

/// <summary>Text when it is UTF-8, otherwise base64.</summary>
internal sealed record CatReport(string Hash, int Size, string? Text, string? Base64) : IReport
{
    public static CatReport Of(ArtifactId id, ReadOnlySpan<byte> content)
    {
        var isText = !content.Contains((byte)0) && System.Text.Unicode.Utf8.IsValid(content);
        return new CatReport(
            id.ToString(), content.Length, isText ? Encoding.UTF8.GetString(content) : null,
            isText ? null : Convert.ToBase64String(content));
    }

    public void Print(TextWriter output) => output.Write(Text);
}
