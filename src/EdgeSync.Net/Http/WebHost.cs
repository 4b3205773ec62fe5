using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EdgeSync.Net.Http;

/// <summary>
/// The web application behind each HTTP port of the program: Kestrel and routing, configured by code alone.
/// </summary>
internal static class WebHost
{
    /// <param name="configure">Addresses and limits.</param>
    /// <param name="loggers">Receives the server's log; null: none.</param>
    public static WebApplication Create(Action<KestrelServerOptions> configure, ILoggerFactory? loggers = null)
    {
        // A line ends with CRLF: a proxy in front may not take a bare LF for an end.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ApplicationName = "edgesync",
            EnvironmentName = Environments.Production,
            ContentRootPath = AppContext.BaseDirectory,
            // Otherwise it watches that folder, with all below it, for an appsettings.json.
            Args = ["--hostBuilder:reloadConfigOnChange=false"],
        });

        // The settings of a node are edgesync.json, its variables and flags: an existing appsettings.json or
        // ASPNETCORE_URLS must open no port. The program handles signals and the log itself, too: with the caller's
        // factory, its levels apply.
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        if (loggers is not null) builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.RequestHeaderEncodingSelector = HeaderForms.For;
            configure(kestrel);
        });
        // What a connection may send before any of it is read: the transport's own limit, a megabyte, would be taken by
        // each of many connections.
        builder.WebHost.UseSockets();
        builder.Services.AddOptions<SocketTransportOptions>().Configure<IOptions<KestrelServerOptions>>(
            (sockets, kestrel) => sockets.MaxReadBufferSize = kestrel.Value.Limits.MaxRequestBufferSize);
        return builder.Build();
    }

    /// <summary>
    /// Whether a start failed for a reason that the operator can correct: an address in use or not local.
    /// </summary>
    public static bool IsAddressFault(Exception e) => e is IOException or SocketException or AddressInUseException;

    /// <summary>The caller starts and stops the application.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
