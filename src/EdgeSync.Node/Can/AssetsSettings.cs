using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can;

/// <summary>The settings of the asset store of a node, from section <c>assets</c> of its settings.</summary>
internal static class AssetsSettings
{
    /// <param name="settings">Of a node with an asset store, checked.</param>
    /// <param name="node">Its name, which the store has in a mirror unless it has another one.</param>
    /// <exception cref="EdgeSyncException">A file with a secret cannot be read.</exception>
    public static CanSettings Of(NodeSettings settings, string node) => Of(settings, node, Secrets.Read);

    /// <summary>
    /// Those of the settings file that a leaf of this machine reads, or of its variables, for commands that use its
    /// store; without the secrets that this user cannot read. Null: there is no store in them, or they are wrong.
    /// </summary>
    public static CanSettings? OfMachine(ISettingArguments arguments)
    {
        try
        {
            var settings = new SettingsLoader(arguments, NodeFlags.Leaf).Load().Settings;
            return settings.Assets.IsOn ? Of(settings, NodeName.Of(settings, "leaf"), ReadIfAllowed) : null;
        }
        catch (EdgeSyncException)
        {
            return null;
        }
    }

    /// <summary>The address of a store for programs on this machine.</summary>
    public static string UrlOf(CanSettings settings)
    {
        var address = ListenAddress.AddressOf(settings.BindAddress) is { } bound && !ListenAddress.IsEvery(bound)
            ? bound : IPAddress.Loopback;
        return $"http://{new IPEndPoint(address, settings.Port)}";
    }

    private static CanSettings Of(NodeSettings settings, string node, Func<string?, string?, string?> read)
    {
        var assets = settings.Assets;
        var listen = ListenAddress.Parse(assets.Listen);
        var colon = assets.Listen.LastIndexOf(':');
        return new CanSettings
        {
            StorageRoot = assets.Folder!,
            AdminToken = read(assets.AdminToken, assets.AdminTokenFile),
            ApiKey = read(assets.ApiKey, assets.ApiKeyFile),
            SyncApiKey = read(assets.SyncApiKey, assets.SyncApiKeyFile),
            EnableThumbnailCache = assets.ThumbnailCache,
            RebuildErrorThreshold = assets.RebuildErrorThreshold,
            VerifyIntervalHours = assets.VerifyInterval.TotalHours,
            VerifyMbPerSecond = assets.VerifyMbPerSecond,
            DiskReserveMb = assets.DiskReserveMb,
            BindAddress = colon < 0 ? "" : assets.Listen[..colon],
            Port = listen.Port,
            AllowedHosts = assets.Hosts,
            Mirror = MirrorOf(settings, node) with
            {
                Passphrase = read(assets.Mirror.Passphrase, assets.Mirror.PassphraseFile),
            },
        };
    }

    private static string? ReadIfAllowed(string? value, string? file)
    {
        try
        {
            return Secrets.Read(value, file);
        }
        catch (EdgeSyncException)
        {
            return null;
        }
    }

    private static MirrorSettings MirrorOf(NodeSettings settings, string node)
    {
        var mirror = settings.Assets.Mirror;
        return new MirrorSettings
        {
            IsOn = mirror.Enabled,
            Group = mirror.Group ?? "",
            Name = mirror.Name ?? node,
            Peers = mirror.Peers,
            Allowed = [.. mirror.AllowedIds.Select(IdOf)],
            AllowsTrusted = mirror.AllowsTrusted,
            Originals = [.. mirror.Original.Where(o => o != AssetsMirror.OriginalTicket).Select(IdOf)],
            TakesOriginalTicket = mirror.Original.Contains(AssetsMirror.OriginalTicket),
            IsCompatible = mirror.Compat,
            TicketFile = mirror.TicketFile,
            ConnectTicketFile = mirror.ConnectTicketFile,
            Limit = mirror.Limit is { } limit ? TransferLimit.Of(limit)! : new(null, []),
            ServersHint = "iroh.discovery: local contacts none; own with iroh.relays names yours",
            Iroh = settings.Iroh,
        };
    }

    private static EndpointId IdOf(string text) => EndpointId.TryParse(text, out var id)
        ? id
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not an endpoint id (64 hex digits)");
}
