using System.Buffers;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The login card, which is first in a request and signs it.</summary>
internal static class ClientLogin
{
    public static void Write(
        ClientOptions options, string? projectCode, ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        // In a clone's first round the project code, part of the secret, is not known yet.
        if (options.Login is not { } login || (options.OtherProjectCode ?? projectCode) is not { } project) return;

        var secret = XferLogin.SharedSecret(project, login.User, login.Password);
        if (options.Faults.At(FaultSite.ClientLoginBadNonce)) body = body[..^1];
        XferLogin.Write(new XferWriter(output), login.User, secret, body);
    }

    /// <summary>A line that makes each request unique, so that its login card cannot be replayed.</summary>
    public static void WriteRandom(Entropy entropy, XferWriter writer)
    {
        Span<byte> random = stackalloc byte[20];
        entropy.Fill(random);
        writer.Comment(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexString(random)));
    }
}
