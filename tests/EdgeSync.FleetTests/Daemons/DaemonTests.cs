using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Daemons;

/// <summary>Daemons whose hub requires a password over TLS, and one whose disk is full.</summary>
public sealed class DaemonTests
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_hub_with_TLS_and_users_takes_the_known_leaf_over_broken_cables_and_refuses_the_other()
    {
        await using var pair = new DaemonPair("secured");
        var certificates = new TestCertificates(pair.Folder.Folder("tls"));
        pair.Secret("ship.secret", "well kept");
        var wrong = pair.Secret("wrong.secret", "guessed");
        var (known, stranger) = (pair.Copy(pair.Folder["known.fossil"]), pair.Copy(pair.Folder["stranger.fossil"]));
        File.WriteAllText(
            pair.Folder["hub.json"],
            $$"""
            { "nats": { "users": [ { "user": "ship", "password_file": "{{pair.Folder["ship.secret"]}}" } ],
                        "serve_tls": { "cert_file": "{{certificates.ServerFile}}", "key_file": "{{certificates.ServerKeyFile}}" } } }
            """);
        File.WriteAllText(
            pair.Folder["leaf.json"], $$"""{ "nats": { "tls": { "ca_file": "{{certificates.CaFile}}" } } }""");
        string[] login = ["--config", pair.Folder["leaf.json"], "--nats-user", "ship", "--nats-password-file"];
        var hub = pair.Hub("--config", pair.Folder["hub.json"]);
        var leaf = pair.Leaf("known", known, "nats-leaf", [.. login, pair.Folder["ship.secret"]]);
        var other = pair.Leaf("stranger", stranger, "nats-leaf", [.. login, wrong]);

        for (var round = 0; round < 3; round++)
        {
            pair.Cable.Reset();
            pair.Commit($"round-{round}", 60_000 + round);
            await pair.UntilAgreesAsync(known, PatienceMax);
        }

        await Patience.UntilAsync(
            () => other.TextSoFar.Contains("rejects our credentials", StringComparison.Ordinal), PatienceMax,
            () => other.TextSoFar);
        Assert.False(pair.Agrees(stranger), "who has no password got something");
        Assert.DoesNotContain("well kept", hub.TextSoFar + leaf.TextSoFar + other.TextSoFar, StringComparison.Ordinal);
        Assert.DoesNotContain("guessed", hub.TextSoFar + other.TextSoFar, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_leaf_with_a_full_disk_says_so_keeps_what_it_has_and_goes_on_when_there_is_room()
    {
        await using var pair = new DaemonPair("full-leaf");
        using var disk = SmallDisk.Mount(pair.Folder.Folder("disk"), 3);
        var repository = pair.Copy(disk["leaf.fossil"]);
        pair.Hub();
        var leaf = pair.Leaf("full", repository, "nats-leaf");

        pair.Commit("small", 10_000);
        await pair.UntilAgreesAsync(repository, PatienceMax);
        pair.Commit("large", 6_000_000);
        await Patience.UntilAsync(
            () => leaf.TextSoFar.Contains("full", StringComparison.OrdinalIgnoreCase)
            && leaf.TextSoFar.Contains("disk", StringComparison.OrdinalIgnoreCase), PatienceMax, () => leaf.TextSoFar);
        Assert.False(leaf.HasEnded, leaf.TextSoFar);

        disk.Grow(60);
        await pair.UntilAgreesAsync(repository, 2 * PatienceMax);
        Assert.Equal(0, leaf.Terminate(TimeSpan.FromSeconds(30)).ExitCode);
        pair.Program.MustBeIntact(repository);
    }
}
