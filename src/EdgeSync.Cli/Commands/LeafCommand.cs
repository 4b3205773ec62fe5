using System.CommandLine;
using EdgeSync.Cli.Hosting;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>The daemon beside one repository.</summary>
internal static class LeafCommand
{
    private static readonly Option<string?> Address = new("--serve-http")
    {
        Description = "Answer Fossil clients here; an address without a host is loopback. LEAF_SERVE_HTTP.",
        HelpName = "ADDR",
    };

    public static Verb Create()
    {
        var verb = new Verb("leaf", "Serve a repository to Fossil clients until stopped.", RunAsync)
        {
            Options = { Address },
            Notes = """
                Flags overrule environment variables: LEAF_REPO, LEAF_SERVE_HTTP, LEAF_TLS_CERT, LEAF_TLS_KEY,
                LEAF_MAX_REQUEST_MB, LEAF_MAX_EXCHANGES. GET /healthz says alive, /readyz ready or why not.
                SIGINT and SIGTERM let running exchanges finish; a second one ends at once.
                """,
            Examples =
            [
                "leaf --repo project.fossil --serve-http :8080",
                "leaf --repo project.fossil --serve-http '*:443' --tls-cert fullchain.pem --tls-key privkey.pem",
            ],
        };
        ServeOptions.AddTo(verb);
        return verb;
    }

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = context.Get(Globals.Repo) ?? ServeOptions.Variable("LEAF_REPO")
            ?? throw new EdgeSyncException(ErrorKind.Usage, "a leaf needs a repository", "--repo FILE, or LEAF_REPO");
        var address = context.Get(Address) ?? ServeOptions.Variable("LEAF_SERVE_HTTP")
            ?? throw new EdgeSyncException(ErrorKind.Usage, "a leaf needs something to do", "--serve-http ADDR, such as :8080");
        return ServeLoop.RunAsync(context, path, ServeOptions.Read(context, address), cancellationToken);
    }
}
