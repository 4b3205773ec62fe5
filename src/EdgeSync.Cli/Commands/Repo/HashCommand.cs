using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class HashCommand
{
    private static readonly Argument<string[]> Files = new("FILES")
    {
        Description = "Files to hash.",
        Arity = ArgumentArity.OneOrMore
    };

    private static readonly Option<bool> Sha3 = new("--sha3") { Description = "Use SHA3-256 in place of SHA1." };

    public static CommandSpec Create() => new("hash", "Print the artifact hashes of files.", Run)
    {
        Arguments = { Files },
        Options = { Sha3 },
        Examples = ["repo hash README.md", "repo hash --sha3 src/*.c"],
    };

    /// <summary>As Fossil's <c>sha3sum</c>, with the size that names artifacts.</summary>
    public static CommandSpec CreateSha3() =>
        new("sha3sum", "Print the SHA3-256 hashes of files.", context => Run(context, HashKind.Sha3))
        {
            Arguments = { Files },
            Examples = ["repo sha3sum README.md"],
        };

    /// <summary>As Fossil's <c>md5sum</c>.</summary>
    public static CommandSpec CreateMd5() => new("md5sum", "Print the MD5 sums of files.", context =>
    {
        var entries = context.Require(Files).Select(file => new HashEntry(Md5Of(file), file));
        context.Output.Write(new HashReport([.. entries]));
        return ExitCode.Ok;
    })
    {
        Arguments = { Files },
        Examples = ["repo md5sum README.md"],
    };

    private static string Md5Of(string file)
    {
        var hasher = new Md5Hasher();
        using var stream = InputFile.OpenRead(file);
        var buffer = new byte[64 * 1024];
        while (stream.Read(buffer) is > 0 and var read) hasher.Append(buffer.AsSpan(0, read));
        return hasher.Finish().ToString();
    }

    private static ExitCode Run(CommandContext context) =>
        Run(context, context.Get(Sha3) ? HashKind.Sha3 : HashKind.Sha1);

    private static ExitCode Run(CommandContext context, HashKind kind)
    {
        var entries = new List<HashEntry>();
        foreach (var file in context.Require(Files)) entries.Add(new HashEntry(HashOf(file, kind).ToString(), file));
        context.Output.Write(new HashReport(entries));
        return ExitCode.Ok;
    }

    private static ArtifactId HashOf(string file, HashKind kind)
    {
        var hasher = new ArtifactHasher(kind);
        using var stream = InputFile.OpenRead(file);
        var buffer = new byte[64 * 1024];
        while (stream.Read(buffer) is > 0 and var read) hasher.Append(buffer.AsSpan(0, read));
        return hasher.Finish();
    }
}

internal sealed record HashEntry(string Hash, string File);

internal sealed record HashReport(IReadOnlyList<HashEntry> Files) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var entry in Files) output.WriteLine($"{entry.Hash}  {entry.File}");
    }
}
