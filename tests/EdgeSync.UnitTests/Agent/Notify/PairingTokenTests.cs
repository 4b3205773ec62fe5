using EdgeSync.Agent.Notify;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Agent.Notify;

public class PairingTokenTests
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1775822400);

    [Test]
    public void A_token_has_twelve_characters_of_the_alphabet()
    {
        var entropy = new SeededEntropy(3);
        var counts = new Dictionary<char, int>();
        for (var i = 0; i < 2000; i++)
        {
            var token = PairingToken.Create(entropy);
            Assert.Matches("^[2-9A-HJKMNP-TV-Z]{4}(-[2-9A-HJKMNP-TV-Z]{4}){2}$", token);
            foreach (var c in token.Where(c => c != '-')) counts[c] = counts.GetValueOrDefault(c) + 1;
        }

        Assert.Equal(PairingToken.Alphabet.Length, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 600, 1000));   // 800 expected
    }

    [Test]
    [Arguments("AXKF-9M2P-VR3T")]
    [Arguments("axkf9m2pvr3t")]
    [Arguments(" axkf – 9m2p – vr3t\n")]
    [Arguments("AXKF-9MZP-VR3T")]   // Z for 2
    [Arguments("AXKF-9M2P-UR3T")]   // U for V
    public void A_token_is_read_as_a_person_types_it(string typed)
    {
        var pending = PendingTokens.Parse(Vectors.Read("notify", "pending_tokens.json"));

        Assert.Equal("dan-iphone", PendingTokens.Take(pending, typed, Now, out var rest).DeviceName);
        Assert.Empty(rest);
        Assert.Throws<EdgeSyncException>(() => PendingTokens.Take(rest, typed, Now, out _));
    }

    [Test]
    [Arguments("AXKF-9M2P-VR3")]
    [Arguments("AXKF-9M2P-VR3TT")]
    [Arguments("AXKF-9M2P-VR3!")]
    [Arguments("")]
    public void What_is_not_a_token_is_refused(string typed)
    {
        Assert.False(PairingToken.TryParse(typed, out _));
        Assert.Empty(PairingToken.Readings(typed));
        Assert.Equal(
            ErrorKind.Usage, Assert.Throws<EdgeSyncException>(() => PendingTokens.Take([], typed, Now, out _)).Kind);
    }

    [Test]
    public void A_text_of_look_alikes_has_a_bounded_number_of_readings() =>
        Assert.Equal(4096, PairingToken.Readings("225588ZZSSBB").Distinct().Count());

    [Test]
    public void Tokens_expire_and_leave_the_file()
    {
        var pending = PendingTokens.Parse(Vectors.Read("notify", "pending_tokens.json"));
        var late = Now + PairingToken.Lifetime;

        Assert.Contains(
            "expired",
            Assert.Throws<EdgeSyncException>(() => PendingTokens.Take(pending, "AXKF-9M2P-VR3T", late, out _)).Message);
        var next = PendingTokens.With(
            pending, new PendingToken(new string('a', 64), late, late + TimeSpan.FromMinutes(10), "b"));
        Assert.Equal(["b"], next.Select(t => t.DeviceName));
    }

    [Test]
    public void Devices_are_replaced_by_name_and_an_unknown_one_is_an_error()
    {
        var devices = NotifyDevices.With([], new NotifyDevice("phone", "one", Now));
        devices = NotifyDevices.With(devices, new NotifyDevice("laptop", "two", Now));
        devices = NotifyDevices.With(devices, new NotifyDevice("phone", "three", Now));

        Assert.Equal(["two", "three"], devices.Select(d => d.EndpointId));
        Assert.Equal(["phone"], NotifyDevices.Without(devices, "laptop").Select(d => d.Name));
        Assert.Equal(
            ErrorKind.NotFound, Assert.Throws<EdgeSyncException>(() => NotifyDevices.Without(devices, "tv")).Kind);
    }

    [Test]
    public void A_pair_url_holds_endpoint_address_and_token()
    {
        var url = new PairUrl("endpoint-7", "nats://hub:4222", "AXKF9M2PVR3T");

        Assert.Equal("edgesync-pair://v1/endpoint-7/nats%3A%2F%2Fhub%3A4222/AXKF9M2PVR3T", url.ToString());
        Assert.True(PairUrl.TryParse(url.ToString(), out var read));
        Assert.Equal(url, read);
        Assert.False(PairUrl.TryParse("edgesync-pair://v1/a/b", out _));
        Assert.False(PairUrl.TryParse("edgesync-pair://v2/a/b/AXKF9M2PVR3T", out _));
    }
}
