using EdgeSync.Node.Can;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Can;

public sealed class CanSettingsTests
{
    [Test]
    public void The_original_file_is_read()
    {
        var settings = CanSettings.Parse(
            """
            # CAN Service
            storage_root: "./can_data"
            admin_token: "super_secret_rebuild"
            enable_thumbnail_cache: false
            rebuild_error_threshold: 7
            verify_interval_hours: 12
            sync_api_key: can-sync-default-key   # for agents
            sync_passphrase: 'my-secret-phrase'
            """, "config.yaml");

        Assert.Equal(("./can_data", "super_secret_rebuild", "can-sync-default-key"), (
            settings.StorageRoot, settings.AdminToken, settings.SyncApiKey));
        Assert.Equal((false, 7, 12.0, "127.0.0.1", 3210), (
            settings.EnableThumbnailCache, settings.RebuildErrorThreshold, settings.VerifyIntervalHours,
            settings.BindAddress, settings.Port));
    }

    [Test]
    [Arguments("")]
    [Arguments("# nothing\n")]
    [Arguments("admin_token: null\n")]
    public void What_is_not_set_has_its_default(string text) =>
        Assert.Null(CanSettings.Parse(text, "config.yaml").AdminToken);

    [Test]
    [Arguments("storage_rot: x", 1, "storage_rot")]
    [Arguments("storage_root: a\nstorage_root: b", 2, "twice")]
    [Arguments("rebuild_error_threshold: many", 1, "many")]
    [Arguments("enable_thumbnail_cache: maybe", 1, "maybe")]
    [Arguments("storage_root: [a, b]", 1, "one value")]
    [Arguments("bind_address: nowhere", 1, "nowhere")]
    [Arguments("a: b: c", 1, "")]
    [Arguments("- a\n- b", 1, "")]
    public void A_fault_names_its_line(string text, int line, string part)
    {
        var refusal = Assert.Throws<EdgeSyncException>(() => CanSettings.Parse(text, "config.yaml"));

        Assert.Equal(ErrorKind.Usage, refusal.Kind);
        Assert.StartsWith($"config.yaml line {line}: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }
}
