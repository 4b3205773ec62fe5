using System.CommandLine;
using EdgeSync.Node.Can;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Can;

/// <summary>Options that several commands of <c>can</c> have.</summary>
internal static class CanOptions
{
    public static readonly Option<string?> Config = new("--config")
    {
        Description = "Settings of the asset store (default: config.yaml in this folder, if there is one; for commands "
            + "about a running store, then those of the leaf of this machine).",
        HelpName = "FILE"
    };

    public static readonly Option<string?> Url = new("--url")
    {
        Description = "Address of the asset store (default: this machine, at the port of the settings).",
        HelpName = "URL"
    };

    public static readonly Option<string[]> Tag = new("--tag", "-t")
    {
        Description = "A tag (repeatable).",
        HelpName = "TAG"
    };

    public static readonly Option<string?> Application = new("--application")
    {
        Description = "The application.",
        HelpName = "NAME"
    };

    public static readonly Option<string?> User = new("--user") { Description = "The user.", HelpName = "NAME" };

    public static readonly Option<string?> Type = new("--type")
    {
        Description = "The MIME type, or its beginning where assets are searched.",
        HelpName = "TYPE"
    };

    public static readonly Option<string?> InFolder = new("--path")
    {
        Description = "The logical folder, or its beginning where assets are searched.",
        HelpName = "FOLDER"
    };

    public static readonly Argument<string> Hash = new("HASH") { Description = "A hash, or its beginning." };

    public static readonly Argument<string[]> Hashes = new("HASH")
    {
        Description = "Hashes, or their beginnings.",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>The service that the options name.</summary>
    public static CanClient Client(CommandContext context)
    {
        var settings = SettingsOf(context);
        return new CanClient(
            context.Get(Url) ?? AssetsSettings.UrlOf(settings),
            settings.AdminToken ?? settings.ApiKey ?? settings.SyncApiKey);
    }

    // Those of a leaf are for its own store alone: no other address gets its keys.
    private static CanSettings SettingsOf(CommandContext context) =>
        context.Get(Config) is null && context.Get(Url) is null && !File.Exists(CanSettings.DefaultFile)
            && Environment.GetEnvironmentVariable(CanSettings.PortVariable) is null or ""
            && AssetsSettings.OfMachine(context) is { } leaf
                ? leaf : CanSettings.Load(context.Get(Config));

    /// <summary>Refuses a prefix that the service would.</summary>
    public static string HashOf(string text) => text.Length > 0 && text.All(char.IsAsciiHexDigitLower) ? text
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not a hash", "edgesync can ls");
}
