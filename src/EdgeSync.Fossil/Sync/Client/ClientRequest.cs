using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The request that the parts of a session write into.</summary>
/// <param name="BudgetBytes">The size at which nothing further starts.</param>
/// <param name="IsAnonymous">The first request of a clone: it may not be logged in, so most parts wait.</param>
/// <param name="MayPush">The server has not refused what comes from this user.</param>
/// <param name="AsksAsClone">A pull in the form of a clone (<see cref="DeltaCycleRecovery"/>).</param>
internal readonly record struct ClientRequest(long BudgetBytes, bool IsAnonymous, bool MayPush, bool AsksAsClone);

/// <summary>
/// The size of a request at which no further artifact starts. It grows while the server accepts it, so that a whole
/// history goes in a few rounds, and shrinks when a request was too large for it.
/// </summary>
internal sealed class RequestBudget(ClientOptions options)
{
    private const int ShrunkBytesMin = 16 << 10;
    private const int Factor = 4;

    private long _bytes = options.RequestBytesFirst;

    public long Next() => options.Faults.At(FaultSite.ClientBudgetMin) ? 1 : _bytes;

    public void Grow() => _bytes = Math.Min(_bytes * Factor, options.RequestBytesMax);

    public void Shrink() => _bytes = Math.Max(ShrunkBytesMin, _bytes / Factor);
}

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
        writer.Comment(Encoding.ASCII.GetBytes(Convert.ToHexString(random)));
    }
}
