using System.Buffers;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The login card, which goes in front of a request and signs it.</summary>
internal static class ClientLogin
{
    public static void Write(
        ClientOptions options, string? projectCode, ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        // A clone's first round does not know the project code, which the secret contains.
        if (options.Login is not { } login || (options.OtherProjectCode ?? projectCode) is not { } project) return;

        var secret = XferLogin.SharedSecret(project, login.User, login.Password);
        if (options.Faults.At(FaultSite.ClientLoginBadNonce)) body = body[..^1];
        XferLogin.Write(new XferWriter(output), login.User, secret, body);
    }

    /// <summary>A line that makes each request another one, so that its login card cannot be used twice.</summary>
    public static void WriteRandom(Entropy entropy, XferWriter writer)
    {
        Span<byte> random = stackalloc byte[20];
        entropy.Fill(random);
        writer.Comment(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexString(random)));
    }
}
