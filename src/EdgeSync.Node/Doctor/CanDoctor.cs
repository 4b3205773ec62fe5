using EdgeSync.Node.Can;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using static EdgeSync.Node.Doctor.DoctorVerdict;

namespace EdgeSync.Node.Doctor;

/// <summary>
/// Checks an asset store: its settings and their secrets, its folder and disk, whether a service answers and has that
/// folder, and its mirror.
/// </summary>
internal static class CanDoctor
{
    /// <summary>A passphrase that is shorter is guessed from public records, however slow each guess is.</summary>
    private const int PassphraseMin = 16;

    private const string Service = "assets service";
    private const string Mirror = "assets mirror";

    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    /// <param name="file">The settings; null: <see cref="CanSettings.DefaultFile"/>, if it is there and is one.</param>
    /// <param name="cancellationToken">Ends the waiting for the service.</param>
    /// <returns>Nothing when no settings were named and none are here.</returns>
    public static async Task<IReadOnlyList<NodeCheck>> ExamineAsync(
        string? file, CancellationToken cancellationToken)
    {
        if (file is null && !File.Exists(CanSettings.DefaultFile)) return [];

        CanSettings settings;
        try
        {
            settings = CanSettings.Load(file);
        }
        catch (EdgeSyncException) when (file is null)
        {
            return [];   // another program's file of that name
        }
        catch (EdgeSyncException e)
        {
            return [Fail("assets settings", e.Message, e.Hint)];
        }

        return
        [
            SettingsOf(settings, file ?? CanSettings.DefaultFile),
            .. await ExamineAsync(settings, "edgesync can serve", cancellationToken),
        ];
    }

    /// <summary>The asset store of a node.</summary>
    /// <param name="settings">Of the node.</param>
    /// <param name="cancellationToken">Ends the waiting for the service.</param>
    /// <returns>Nothing when it has none.</returns>
    public static async Task<IReadOnlyList<NodeCheck>> ExamineAsync(
        NodeSettings settings, CancellationToken cancellationToken)
    {
        if (!settings.Assets.IsOn) return [];

        try
        {
            return await ExamineAsync(
                AssetsSettings.Of(settings, NodeName.Of(settings, "leaf")), "edgesync leaf", cancellationToken);
        }
        catch (EdgeSyncException e)
        {
            return [Fail("assets settings", e.Message, e.Hint)];
        }
    }

    private static async Task<IReadOnlyList<NodeCheck>> ExamineAsync(
        CanSettings settings, string start, CancellationToken cancellationToken)
    {
        var checks = new List<NodeCheck>();
        if (settings.Mirror.Passphrase is { } passphrase) checks.Add(PassphraseOf(passphrase));
        else if (settings.Mirror.IsOn)
            checks.Add(Fail(Mirror, "sync is on, and no passphrase is set", "sync_passphrase, or CAN_SYNC_PASSPHRASE"));
        if (Directory.Exists(settings.StorageRoot)) checks.Add(MachineDoctor.Disk(settings.StorageRoot));
        // One that is chosen at the start is known to the daemon alone, which reports for itself.
        if (settings.Port != 0) checks.AddRange(await ServiceOfAsync(settings, start, cancellationToken));
        return checks;
    }

    /// <summary>Whether a passphrase withstands guesses.</summary>
    public static NodeCheck PassphraseOf(string passphrase)
    {
        const string Name = "assets passphrase";
        return passphrase.Length < PassphraseMin
            ? Warn(
                Name, $"it has {passphrase.Length} characters: who guesses it reads and changes every asset",
                "several words, the same in all stores")
            : passphrase.Distinct().Count() < PassphraseMin / 2
                ? Warn(Name, "it repeats a few characters", "several words, the same in all stores")
                : Ok(Name, $"{passphrase.Length} characters");
    }

    private static NodeCheck SettingsOf(CanSettings settings, string file)
    {
        var holdsSecrets = settings.AdminToken is not null || settings.SyncApiKey is not null
            || settings.Mirror.Passphrase is not null;
        return holdsSecrets && File.Exists(file) && Secrets.FaultOf(file) is { } fault
            ? Warn("assets settings", $"{fault}, and has a passphrase, token or key", $"chmod 600 {file}")
            : Ok("assets settings", file);
    }

    private static async Task<IReadOnlyList<NodeCheck>> ServiceOfAsync(
        CanSettings settings, string start, CancellationToken cancellationToken)
    {
        var url = AssetsSettings.UrlOf(settings);
        var folder = Path.GetFullPath(settings.StorageRoot);
        using var client = new CanClient(url, settings.AdminToken);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(AnswerTimeMax);
        try
        {
            var state = await client.StatusAsync(limited.Token);
            return Path.GetFullPath(state.Storage) == folder
                ? [.. Of(state, settings)]
                : [
                    Fail(
                        Service, $"{url} serves {state.Storage}, and the settings name {folder}",
                        "another port, or the settings of that service")];
        }
        catch (EdgeSyncException e)
        {
            return [Unreachable(folder, url, start, e.Message)];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [Unreachable(folder, url, start, $"{url} does not answer within {AnswerTimeMax.TotalSeconds:F0} s")];
        }
    }

    private static NodeCheck Unreachable(string folder, string url, string start, string reason) =>
        IsHeld(Path.Combine(folder, ".can.lock"))
            ? Fail(
                Service, $"{folder} is in use by a process that does not answer at {url}", "the port of its settings")
            : Warn(Service, reason, start);

    private static bool IsHeld(string file)
    {
        try
        {
            if (File.Exists(file)) File.OpenHandle(file, access: FileAccess.ReadWrite, share: FileShare.None).Dispose();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;   // of another user, which says nothing
        }
    }

    private static IEnumerable<NodeCheck> Of(CanState state, CanSettings settings)
    {
        yield return state.Corrupted > 0
            ? Warn(
                Service, $"{state.Corrupted} of {state.Assets} assets are corrupted or missing",
                state.Mirror is null ? "put the same files again" : "a store of the mirror that has them")
            : Ok(Service, $"{state.Assets} assets in {state.Storage}");
        if (state.Mirror is { } mirror) yield return Of(mirror);
        else if (settings.Mirror.IsOn)
            yield return Warn(
                Mirror, "the settings have sync on, and the service was started without it", "restart it");
    }

    private static NodeCheck Of(CanMirror mirror)
    {
        if (mirror.Questions is [var question, ..])
            return Warn(
                Mirror, $"it waits for a decision: {question}",
                $"edgesync can answer {question} --yes, if it is meant");
        if (mirror.IsPaused) return Warn(Mirror, "it is paused", "edgesync can resume");
        if (mirror.Peers.Count == 0)
            return Warn(
                Mirror, "no other store is connected", "edgesync can serve --sync, elsewhere with the same passphrase");

        return Ok(Mirror, $"{mirror.Peers.Count} stores connected, {mirror.Missing} assets on their way");
    }
}
