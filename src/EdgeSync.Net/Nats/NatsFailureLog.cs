using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Keeps the reason of the last failed connection attempt, which NATS.Net writes to its log only: as a sentence,
/// without secrets. Everything also goes to the log of the process.
/// </summary>
internal sealed class NatsFailureLog(ILoggerFactory loggers) : ILoggerFactory
{
    private Exception? _last;

    public static bool IsFailure(Exception e) =>
        e is NatsException or SocketException or IOException or WebSocketException
        or AuthenticationException or TimeoutException or ObjectDisposedException or HttpRequestException;

    /// <summary>Why an attempt failed; NATS.Net keeps the reason of a refused socket out of its exception.</summary>
    public string TextOf(Exception e)
    {
        var logged = Interlocked.Exchange(ref _last, null);
        return Explain(e.InnerException ?? logged ?? e);
    }

    /// <summary>The reason of the attempt that was just logged.</summary>
    public string TakeText() =>
        Interlocked.Exchange(ref _last, null) is { } last ? Explain(last) : "the server does not answer";

    public ILogger CreateLogger(string categoryName) => new Logger(this, loggers.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private static string Explain(Exception e) => e switch
    {
        NatsServerException { IsAuthError: true } refused =>
            $"the server rejects our credentials: {refused.Error.Trim('\'')}",
        NatsServerException refused => refused.Error.Trim('\''),
        AuthenticationException => $"TLS handshake failed: {e.InnerException?.Message ?? e.Message}",
        NatsException when e.Message.Contains("does not support TLS", StringComparison.Ordinal) =>
            "the server has no TLS, which is required",
        NatsException { InnerException: { } inner } => Explain(inner),
        TimeoutException => "the server does not answer in time",
        OperationCanceledException => "the server does not answer in time",
        WebSocketException { InnerException: { } inner } => $"{e.Message}: {inner.Message}",
        _ => e.Message,
    };

    private sealed class Logger(NatsFailureLog owner, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning || inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            if (exception is not null && logLevel >= LogLevel.Warning) Volatile.Write(ref owner._last, exception);
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
