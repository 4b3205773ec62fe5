using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Bundles;

namespace EdgeSync.Cli.Commands.Repo;

internal static class BundleCommand
{
    private static readonly Argument<string> File = new("FILE") { Description = "The bundle." };
    private static readonly Argument<string> Target = new("PATH")
    {
        Description = "The bundle to write, or to add to."
    };

    private static readonly Option<string?> Branch = new("--branch", "-b")
    {
        Description = "All check-ins of a branch.",
        HelpName = "BRANCH"
    };

    private static readonly Option<string?> From = new("--from")
    {
        Description = "A check-in and what descends from it.",
        HelpName = "VERSION"
    };

    private static readonly Option<string?> To = new("--to")
    {
        Description = "The last check-in.",
        HelpName = "VERSION"
    };

    private static readonly Option<string?> Checkin = new("--checkin")
    {
        Description = "One check-in alone.",
        HelpName = "VERSION"
    };

    private static readonly Option<bool> Standalone = new("--standalone")
    {
        Description = "Rest on nothing outside; our bundles never do."
    };

    private static readonly Option<bool> Publish = new("--publish")
    {
        Description = "Make them public; otherwise they stay private."
    };

    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Take in a bundle of another project."
    };

    private static readonly Argument<string[]> Files = new("FILES")
    {
        Description = "Files to add.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Argument<string[]> Hashes = new("HASH")
    {
        Description = "Beginnings of hashes.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<bool> ForcePurge = new("--force", "-f")
    {
        Description = "Also when later check-ins rest on them, or the bundle lacks a part."
    };

    private static readonly Option<bool> Details = new("--details", "-l") { Description = "Print sizes too." };

    public static CommandSpec Create() => new("bundle", "Carry check-ins of a branch to another clone in a file.")
    {
        new CommandSpec("export", "Write check-ins, and all that belongs to them, into a bundle.", RunExport)
        {
            Arguments = { Target },
            Options = { Branch, From, To, Checkin, Standalone },
            Examples = ["repo bundle export fix.bundle --branch fix", "repo bundle export x.bundle --from v1 --to v2"],
        },
        new CommandSpec("import", "Take the check-ins of a bundle in, as private ones.", RunImport)
        {
            Arguments = { File },
            Options = { Publish, Force },
            Examples = ["repo bundle import fix.bundle", "repo bundle import fix.bundle --publish"],
        },
        new CommandSpec("ls", "List what is in a bundle.", RunList)
        {
            Arguments = { File },
            Options = { Details },
            Examples = ["repo bundle ls fix.bundle"],
        }.Also("list"),
        new CommandSpec("append", "Add files to a bundle, as artifacts.", RunAppend)
        {
            Arguments = { Target, Files },
            Examples = ["repo bundle append fix.bundle notes.txt"],
        },
        new CommandSpec("cat", "Print artifacts of a bundle.", RunCat)
        {
            Arguments = { File, Hashes },
            Notes = "The repository is read only for an artifact that rests on one outside of the bundle.",
            Examples = ["repo bundle cat fix.bundle 3f6c19d2"],
        },
        new CommandSpec("purge", "Remove the check-ins of a bundle from the repository.", RunPurge)
        {
            Arguments = { File },
            Options = { ForcePurge },
            Notes = "Files and tags that nothing else needs go too; the bundle is their copy. Peers keep theirs.",
            Examples = ["repo bundle purge fix.bundle"],
        },
    };

    private static ExitCode RunExport(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var path = context.Require(Target);
        var count = Bundle.Export(
            repository, path,
            new BundleSelection(context.Get(Branch), context.Get(From), context.Get(To), context.Get(Checkin)));
        context.Output.Write(new BundleExportReport(path, count));
        return ExitCode.Ok;
    }

    private static ExitCode RunImport(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var taken = Bundle.Import(repository, context.Require(File), context.Get(Publish), context.Get(Force));
        context.Output.Write(new BundleImportReport(
            taken.Count == 0 ? "already_imported" : "imported", [.. taken.Select(LineOf)], !context.Get(Publish)));
        return ExitCode.Ok;
    }

    private static ExitCode RunList(CommandContext context)
    {
        var contents = Bundle.List(context.Require(File));
        context.Output.Write(new BundleListReport(
            [.. contents.Facts.Select(f => new BundleFact(f.Name, f.Value))], [.. contents.Entries.Select(LineOf)])
        {
            HasDetails = context.Get(Details),
        });
        return ExitCode.Ok;
    }

    private static ExitCode RunAppend(CommandContext context)
    {
        var path = context.Require(Target);
        List<(string, byte[])> files = [.. context.Require(Files).Select(f => (f, InputFile.ReadAll(f)))];
        Bundle.Append(path, files);
        context.Output.Write(new BundleExportReport(path, files.Count));
        return ExitCode.Ok;
    }

    private static ExitCode RunCat(CommandContext context)
    {
        var hashes = context.Require(Hashes);
        if (context.Output.IsJson && hashes.Length > 1)
            throw new EdgeSyncException(ErrorKind.Usage, "--json prints one artifact", "name one");

        Storage.Repository? repository = null;
        try
        {
            foreach (var hash in hashes)
            {
                var (id, content) = Bundle.Read(context.Require(File), hash, Outside);
                if (context.Output.IsJson) context.Output.Write(CatReport.Of(id, content));
                else context.Output.Raw.Write(content);
            }

            return ExitCode.Ok;
        }
        finally
        {
            repository?.Dispose();
        }

        byte[] Outside(ArtifactId id)
        {
            repository ??= context.OpenToRead();
            using var content = repository.Content.Get(id);
            return content.Span.ToArray();
        }
    }

    private static Task<ExitCode> RunPurge(CommandContext context, CancellationToken cancellationToken)
    {
        using var repository = context.OpenToWrite();
        var removed = BundlePurge.Run(
            repository, context.Require(File), context.Get(ForcePurge), cancellationToken);
        context.Output.Write(new BundlePurgeReport(
            removed.Count == 0 ? "already_purged" : "purged", [.. removed.Select(LineOf)]));
        return Task.FromResult(ExitCode.Ok);
    }

    private static BundleLine LineOf(BundleEntry entry) =>
        new(entry.Id.ToString(), entry.Bytes, entry.StoredBytes, entry.Notes);
}

internal sealed record BundleExportReport(string File, int Artifacts) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"wrote {DisplayText.Name(File)}: {DisplayText.Number(Artifacts)} artifacts");

    public void PrintAsStock(TextWriter output)
    {
        // Stock is silent.
    }
}

internal sealed record BundleLine(string Hash, long Bytes, long StoredBytes, string Notes);

/// <param name="Status"><c>imported</c> or <c>already_imported</c>.</param>
internal sealed record BundleImportReport(string Status, IReadOnlyList<BundleLine> Artifacts, bool IsPrivate) : IReport
{
    public void Print(TextWriter output)
    {
        if (Artifacts.Count > 0) output.WriteLine("Imported content:");
        foreach (var artifact in Artifacts)
            output.WriteLine(
                $"  {artifact.Hash[..16]} {DisplayText.OneLine(artifact.Notes)}{(IsPrivate ? " (private)" : "")}");
    }
}

/// <param name="Status"><c>purged</c> or <c>already_purged</c>.</param>
internal sealed record BundlePurgeReport(string Status, IReadOnlyList<BundleLine> Artifacts) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var artifact in Artifacts)
            output.WriteLine($"{artifact.Hash[..16]} {DisplayText.OneLine(artifact.Notes)}");
        if (Artifacts.Count == 0) output.WriteLine("nothing to purge");
    }
}

internal sealed record BundleFact(string Name, string Value);

internal sealed record BundleListReport(IReadOnlyList<BundleFact> Facts, IReadOnlyList<BundleLine> Artifacts) : IReport
{
    internal bool HasDetails { get; init; }

    public void Print(TextWriter output)
    {
        foreach (var fact in Facts) output.WriteLine($"{fact.Name}: {DisplayText.OneLine(fact.Value)}");
        output.WriteLine(new string('-', 78));
        foreach (var artifact in Artifacts)
        {
            var sizes = HasDetails ? $"{artifact.Bytes,8} {artifact.StoredBytes,8} " : "";
            output.WriteLine($"{artifact.Hash[..16]} {sizes}{DisplayText.OneLine(artifact.Notes)}");
        }
    }
}
