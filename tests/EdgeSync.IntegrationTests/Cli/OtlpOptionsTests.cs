using EdgeSync.Node.Metrics.Otlp;
using EdgeSync.Primitives;
using Microsoft.Extensions.Configuration;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class OtlpOptionsTests
{
    [Test]
    [Arguments("localhost:4318", "http://localhost:4318/")]
    [Arguments("127.0.0.1:4318", "http://127.0.0.1:4318/")]
    [Arguments("collector.example:4318", "https://collector.example:4318/")]
    [Arguments("http://collector.example", "http://collector.example/")]
    [Arguments(" https://collector.example/otlp ", "https://collector.example/otlp")]
    public void An_endpoint_may_lack_its_scheme(string given, string meant)
    {
        var options = Read(("OTEL_EXPORTER_OTLP_ENDPOINT", given))!;

        Assert.Equal(meant, options.Endpoint.ToString());
        Assert.Equal(meant, options.Variables["OTEL_EXPORTER_OTLP_ENDPOINT"]);
    }

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
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0, x-team = a%2Cb"))!;

        Assert.Equal([new("authorization", "Basic c2VjcmV0"), new("x-team", "a,b")], options.Headers);
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
    [Arguments("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]
    [Arguments("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")]
    [Arguments("OTEL_BSP_SCHEDULE_DELAY", "0")]
    [Arguments("OTEL_METRIC_EXPORT_INTERVAL", "-1")]
    public void A_value_that_the_exporter_would_ignore_is_refused_by_name(string name, string value)
    {
        var failure = Assert.Throws<EdgeSyncException>(
            () => Read(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), (name, value)));

        Assert.Equal((ErrorKind.Usage, $"{name} is '{value}'"), (failure.Kind, failure.Message));
    }

    [Test]
    public void Log_lines_wait_as_long_as_spans_unless_told_otherwise()
    {
        const string Delay = "OTEL_BLRP_SCHEDULE_DELAY";
        (string, string)[] both = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), ("OTEL_BSP_SCHEDULE_DELAY", "100")];

        Assert.Equal("100", Read(both)!.Variables[Delay]);
        Assert.Equal("200", Read([.. both, (Delay, "200")])!.Variables[Delay]);
    }

    private static OtlpOptions? Read(params (string Name, string Value)[] variables)
    {
        var configuration = new ConfigurationManager();
        foreach (var (name, value) in variables) configuration[name] = value;
        return OtlpOptions.Read(configuration, "edgesync-leaf", "node-1");
    }
}
