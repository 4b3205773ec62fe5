using System.IO.Pipelines;
using System.Text.Json;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Printing;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary><c>edgesync iroh relay serve</c>, in this process.</summary>
public sealed class RelayCommandTests
{
    private static CancellationToken Token => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Prints_its_address_and_at_the_end_its_counts()
    {
        var pipe = new Pipe();
        using var results = pipe.Writer.AsStream();
        using var output = Output.To(results, Stream.Null, isJson: true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var lines = new StreamReader(pipe.Reader.AsStream());
        var running = CommandLine.RunAsync(
            ["iroh", "relay", "serve", "--bind", ":0", "--dns-origin", "dns.example.org", "--dns-bind", ":0", "--json"],
            output, stop.Token);

        using var started = JsonDocument.Parse((await lines.ReadLineAsync(Token))!);
        using var http = new HttpClient();
        using var ping = await http.GetAsync($"{started.RootElement.GetProperty("url").GetString()}/ping", Token);
        await stop.CancelAsync();
        using var stopped = JsonDocument.Parse((await lines.ReadLineAsync(Token))!);

        Assert.True(ping.IsSuccessStatusCode);
        Assert.Equal("relay", started.RootElement.GetProperty("event").GetString());
        Assert.StartsWith(
            "127.0.0.1:", started.RootElement.GetProperty("dns").GetString(), StringComparison.Ordinal);
        Assert.InRange(started.RootElement.GetProperty("address_port").GetInt32(), 1, 65535);
        Assert.Equal("stopped", stopped.RootElement.GetProperty("event").GetString());
        Assert.Equal(ExitCode.Ok, await running);
    }

    [Test]
    [Arguments("x")]
    [Arguments("-1")]
    [Arguments("65536")]
    public async Task A_port_that_is_none_is_refused(string port)
    {
        using var output = Output.To(Stream.Null, Stream.Null, isJson: false);

        var exit = await CommandLine.RunAsync(
            ["iroh", "relay", "serve", "--bind", ":0", $"--address-port={port}"], output, Token);

        Assert.Equal(ExitCode.Usage, exit);
    }

    [Test]
    [Arguments("off", false)]
    [Arguments("0", true)]
    public async Task Says_at_which_port_addresses_are_learnt(string port, bool isThere)
    {
        var pipe = new Pipe();
        using var results = pipe.Writer.AsStream();
        using var output = Output.To(results, Stream.Null, isJson: true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var lines = new StreamReader(pipe.Reader.AsStream());
        var running = CommandLine.RunAsync(
            ["iroh", "relay", "serve", "--bind", ":0", "--address-port", port, "--json"], output, stop.Token);

        using var started = JsonDocument.Parse((await lines.ReadLineAsync(Token))!);
        await stop.CancelAsync();

        Assert.Equal(isThere, started.RootElement.TryGetProperty("address_port", out var told) && told.GetInt32() > 0);
        Assert.Equal(ExitCode.Ok, await running);
    }

    [Test]
    public async Task A_token_file_without_a_token_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var output = Output.To(Stream.Null, Stream.Null, isJson: false);

        var exit = await CommandLine.RunAsync(
            ["iroh", "relay", "serve", "--bind", ":0", "--token-file", folder.Write("token", "\n")], output, Token);

        Assert.Equal(ExitCode.Usage, exit);
    }
}
