using System.Globalization;
using EdgeSync.Node.Can.Agent;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace EdgeSync.Node.Can;

/// <summary>
/// The settings of an asset store: <c>config.yaml</c>, one level of <c>key: value</c>, with the keys of the original;
/// docs/can.md lists them.
/// </summary>
internal sealed record CanSettings
{
    public const int DefaultPort = 3210;

    /// <summary>The file that is read when none is named and it exists.</summary>
    public const string DefaultFile = "config.yaml";

    public const string PortVariable = "CAN_PORT";
    private const string PassphraseVariable = "CAN_SYNC_PASSPHRASE";

    /// <summary>The storage folder.</summary>
    public string StorageRoot { get; init; } = "./can_data";

    /// <summary>Of administration; null: it is refused.</summary>
    public string? AdminToken { get; init; }

    public bool EnableThumbnailCache { get; init; } = true;

    /// <summary>Inconsistencies that a verifier's pass tolerates before the index is made again.</summary>
    public int RebuildErrorThreshold { get; init; } = 50;

    public double VerifyIntervalHours { get; init; } = 12;

    /// <summary>Of reading and storing; null: every client that reaches the port may do both.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Of <c>/sync/*</c>; null: it is refused.</summary>
    public string? SyncApiKey { get; init; }

    /// <summary>An address as in other settings, without a port; <c>*</c> for every one.</summary>
    public string BindAddress { get; init; } = "127.0.0.1";

    public int Port { get; init; } = DefaultPort;

    /// <summary>Free space that uploads leave.</summary>
    public int DiskReserveMb { get; init; } = 64;

    /// <summary>What the verifier reads.</summary>
    public int VerifyMbPerSecond { get; init; } = 32;

    /// <summary>Names under which browsers may reach the service, besides localhost and addresses.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>The mirror, if <see cref="MirrorSettings.Passphrase"/> is set.</summary>
    public MirrorSettings Mirror { get; init; } = new();

    /// <summary>The agent of a service, as a process of its own.</summary>
    public AgentSettings Agent { get; init; } = new();

    /// <summary>From a file and the environment.</summary>
    /// <param name="file">Null: <see cref="DefaultFile"/> if it exists, else the defaults.</param>
    /// <exception cref="EdgeSyncException">It cannot be read, or a value is not one.</exception>
    public static CanSettings Load(string? file)
    {
        var settings = file is null && !File.Exists(DefaultFile) ? new CanSettings() : Read(file ?? DefaultFile);
        if (Environment.GetEnvironmentVariable(PassphraseVariable) is { Length: > 0 } passphrase)
            settings = settings with { Mirror = settings.Mirror with { Passphrase = passphrase } };
        if (Environment.GetEnvironmentVariable(PortVariable) is not { Length: > 0 } port) return settings;

        return ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? settings with { Port = number }
            : throw new EdgeSyncException(ErrorKind.Usage, $"{PortVariable} is '{port}'", "a port from 0 to 65535");
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="name">Of the file, for messages.</param>
    public static CanSettings Parse(string text, string name)
    {
        var settings = new CanSettings();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value, line) in Entries(text, name))
        {
            if (!keys.Add(key)) throw Fault(name, line, $"'{key}' is there twice");
            settings = With(settings, key, value, () => Fault(name, line, $"'{value}' is not a value of {key}"))
                ?? MirrorKeys.With(
                    settings, key, value, reason => Fault(name, line, reason ?? $"'{value}' is not a value of {key}"))
                ?? throw Fault(name, line, $"there is no setting '{key}'");
        }

        return settings;
    }

    private static CanSettings Read(string file)
    {
        if (!File.Exists(file))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{file} does not exist", "check the path");

        return Parse(File.ReadAllText(file), file);
    }

    // Null: another key.
    private static CanSettings? With(
        CanSettings settings, string key, string value, Func<Exception> fault) => key switch
        {
            "storage_root" => settings with { StorageRoot = value.Length > 0 ? value : throw fault() },
            "admin_token" => settings with { AdminToken = Secret(value) },
            "api_key" => settings with { ApiKey = Secret(value) },
            "sync_api_key" => settings with { SyncApiKey = Secret(value) },
            "enable_thumbnail_cache" => settings with { EnableThumbnailCache = Flag(value) ?? throw fault() },
            "rebuild_error_threshold" => settings with
            {
                RebuildErrorThreshold = (int)(Number(value, 0, int.MaxValue) ?? throw fault()),
            },
            "verify_interval_hours" => settings with
            {
                VerifyIntervalHours = Number(value, 0, 24 * 365) ?? throw fault(),
            },
            "bind_address" => settings with
            {
                BindAddress = ListenAddress.TryParse($"{value}:0", out _) ? value : throw fault(),
            },
            "port" => settings with { Port = (int)(Number(value, 0, ushort.MaxValue) ?? throw fault()) },
            "disk_reserve_mb" => settings with { DiskReserveMb = (int)(Number(value, 0, 1 << 20) ?? throw fault()) },
            "verify_mb_per_second" => settings with
            {
                VerifyMbPerSecond = (int)(Number(value, 1, 1 << 20) ?? throw fault()),
            },
            "allowed_hosts" => settings with
            {
                AllowedHosts = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            },
            "can_service_url" => settings with
            {
                Agent = settings.Agent with { ServiceUrl = IsUrl(value) ? value : throw fault() },
            },
            "poll_interval_secs" => settings with
            {
                Agent = settings.Agent with
                {
                    PollInterval = TimeSpan.FromSeconds(Number(value, 1, 86_400) ?? throw fault()),
                },
            },
            "agent_port" => settings with
            {
                Agent = settings.Agent with { Port = (int)(Number(value, 0, ushort.MaxValue) ?? throw fault()) },
            },
            "agent_folder" => settings with { Agent = settings.Agent with { Folder = Secret(value) } },
            _ => null,
        };

    private static bool IsUrl(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";

    internal static string? Secret(string value) => value.Length > 0 ? value : null;

    internal static bool? Flag(string value) => value switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => null,
    };

    private static double? Number(string value, double min, double max) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number >= min && number <= max ? number : null;

    private static List<(string Key, string Value, long Line)> Entries(string text, string name)
    {
        var entries = new List<(string, string, long)>();
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _)) return entries;

            parser.Consume<DocumentStart>();
            // A file of comments alone is an empty value.
            if (parser.TryConsume<Scalar>(out var only) && only.Value.Length == 0) return entries;

            parser.Consume<MappingStart>();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var key = parser.Consume<Scalar>();
                if (!parser.TryConsume<Scalar>(out var value))
                    throw Fault(name, key.Start.Line, $"{key.Value} is one value, not a list or a table");
                entries.Add((key.Value, value is { IsPlainImplicit: true, Value: "null" or "~" } ? "" : value.Value,
                    key.Start.Line));
            }

            return entries;
        }
        catch (YamlException e)
        {
            throw Fault(name, e.Start.Line, e.Message);
        }
    }

    private static EdgeSyncException Fault(string name, long line, string text) => new(
        ErrorKind.Usage, string.Create(CultureInfo.InvariantCulture, $"{name} line {line}: {text}"),
        "docs/can.md lists the settings");
}
