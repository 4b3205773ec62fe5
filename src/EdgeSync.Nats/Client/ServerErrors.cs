using System.Text;

namespace EdgeSync.Nats.Client;

/// <summary>What the text of an <c>-ERR</c> means for the link.</summary>
internal enum ServerErrorKind : byte
{
    /// <summary>The server ends the link, or we cannot trust it any more.</summary>
    Fatal,

    /// <summary>Wrong or expired credentials; the link ends.</summary>
    Refused,

    /// <summary>One operation was refused; the link stays.</summary>
    Report,
}

/// <summary>Reads the text of an <c>-ERR</c>: in any case, with its quotes.</summary>
internal static class ServerErrors
{
    // Spec: nats.docs, protocol "-ERR"; which ones keep the link was measured with nats-server 2.9.10.
    private static readonly string[] Reported =
        ["permissions violation", "invalid subject", "invalid publish subject", "maximum subscriptions exceeded"];

    private static readonly string[] Refusals =
    [
        "authorization violation", "authentication timeout", "authentication expired", "user authentication", "account authentication",
        "authentication revoked",
    ];

    public static string TextOf(ReadOnlySpan<byte> arguments) =>
        Encoding.UTF8.GetString(arguments.Trim(" \t"u8).Trim((byte)'\''));

    public static ServerErrorKind KindOf(string text)
    {
        if (Array.Exists(Reported, known => text.StartsWith(known, StringComparison.OrdinalIgnoreCase))) return ServerErrorKind.Report;
        if (Array.Exists(Refusals, known => text.StartsWith(known, StringComparison.OrdinalIgnoreCase))) return ServerErrorKind.Refused;
        return ServerErrorKind.Fatal;
    }
}
