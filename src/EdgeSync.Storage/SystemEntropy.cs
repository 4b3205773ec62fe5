using System.Runtime.InteropServices;
using EdgeSync.Primitives;

namespace EdgeSync.Storage;

/// <summary>The system's random bytes.</summary>
public sealed unsafe partial class SystemEntropy : Entropy
{
    private const int ErrorInterrupted = 4;

    public static SystemEntropy Instance { get; } = new();

    // On Linux the framework uses OpenSSL, whose loading costs each command 3 to 7 ms. A call of the kernel costs
    // 0.2 us, and opening /dev/urandom for each value 20 us: a flood of first packets asks for many.
    public override void Fill(Span<byte> target)
    {
        if (!OperatingSystem.IsLinux())
        {
            System.Security.Cryptography.RandomNumberGenerator.Fill(target);
            return;
        }

        while (!target.IsEmpty)
        {
            nint count;
            fixed (byte* start = target) count = GetRandom(start, (nuint)target.Length, 0);
            if (count > 0) target = target[(int)count..];
            else if (Marshal.GetLastPInvokeError() != ErrorInterrupted)
                throw new EdgeSyncException(
                    ErrorKind.Unavailable,
                    $"the kernel gives no random bytes: getrandom fails with error {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "getrandom", SetLastError = true)]
    private static partial nint GetRandom(byte* target, nuint length, uint flags);
}
