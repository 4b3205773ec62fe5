using System.CommandLine;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>hash-policy</c>: how new artifacts are named.</summary>
// Spec: hash_policy_command in hname.c.
internal static class StockHashPolicyCommand
{
    private static readonly Argument<string?> Policy = new("NEW-POLICY") { Arity = ArgumentArity.ZeroOrOne };

    // By HashPolicy.
    private static readonly string[] Names = ["sha1", "auto", "sha3", "sha3-only", "shun-sha1"];

    public static CommandSpec Create() => new("hash-policy", "Print or change how artifacts are named.", context =>
    {
        var name = context.Get(Policy);
        using var repository = name is null ? context.OpenToRead() : context.OpenToWrite();
        if (name is not null) Change(repository, name);
        context.Output.Text.Write(Names[(int)repository.Content.HashPolicy] + "\n");
        return ExitCode.Ok;
    })
    {
        Arguments = { Policy },
    };

    private static void Change(Repository repository, string name)
    {
        var at = Array.IndexOf(Names, name);
        if (at < 0)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage,
                $"unknown hash policy \"{name}\" - should be one of: sha1 auto sha3 sha3-only shun-sha1");
        }

        var policy = (HashPolicy)at;
        using var transaction = repository.Begin();
        if (policy == HashPolicy.Auto
            && repository.Database.QueryInt64("SELECT EXISTS(SELECT 1 FROM blob WHERE length(uuid)>40)") != 0)
            policy = HashPolicy.Sha3;
        repository.Content.HashPolicy = policy;
        transaction.Commit();
    }
}
