using EdgeSync.Node.Metrics.Otlp;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class OtlpOptionsTests
{
    [Test]
    [Arguments("localhost:4318", "http://localhost:4318/")]
    [Arguments("127.0.0.1:4318", "http://127.0.0.1:4318/")]
    [Arguments("collector.example:4318", "https://collector.example:4318/")]
    [Arguments("http://collector.example", "http://collector.example/")]
    [Arguments(" https://collector.example/otlp ", "https://collector.example/otlp")]
    public void An_endpoint_may_lack_its_scheme(string given, string meant) =>
        Assert.Equal(meant, Read(("OTEL_EXPORTER_OTLP_ENDPOINT", given))!.Endpoint.ToString());

    [Test]
    public void Without_an_endpoint_there_is_nothing()
    {
        Assert.Null(Read());
        Assert.Null(Read(("OTEL_EXPORTER_OTLP_ENDPOINT", " ")));
        Assert.Null(Read(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), ("OTEL_SDK_DISABLED", "TRUE")));
    }

    [Test]
    public void Headers_are_decoded_and_never_shown()
    {
        var options = Read(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/x"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0, x-team = a"))!;

        Assert.Equal([new("authorization", "Basic c2VjcmV0"), new("x-team", "a")], options.Headers);
        Assert.Equal("http http://c:4318/x headers:authorization=***,x-team=***", options.ToString());
    }

    [Test]
    [Arguments("OTEL_EXPORTER_OTLP_HEADERS", "no-equals-secret")]
    [Arguments("OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0d%0aevil: 1")]
    [Arguments("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://secret@c")]
    [Arguments("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:secret@c")]
    public void A_refusal_does_not_repeat_a_secret(string name, string value)
    {
        var failure = Assert.Throws<EdgeSyncException>(
            () => Read(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), (name, value)));

        Assert.Equal(ErrorKind.Usage, failure.Kind);
        Assert.DoesNotContain("secret", failure.Message + failure.Hint, StringComparison.Ordinal);
    }

    [Test]
    public void The_resource_says_who_we_are()
    {
        var options = Read(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), ("OTEL_RESOURCE_ATTRIBUTES", "site=north,service.name=other"),
            ("EDGESYNC_ENVIRONMENT", "test"), ("OTEL_SERVICE_NAME", "mine"))!;

        var resource = options.Resource.ToDictionary(a => a.Key, a => a.Value);
        Assert.Equal("mine", resource["service.name"]);
        Assert.Equal("node-1", resource["service.instance.id"]);
        Assert.Equal("north", resource["site"]);
        Assert.Equal("test", resource["deployment.environment.name"]);
    }

    private static OtlpOptions? Read(params (string Name, string Value)[] variables) =>
        OtlpOptions.Read(name => variables.LastOrDefault(v => v.Name == name).Value, "edgesync-leaf", "node-1");
}
