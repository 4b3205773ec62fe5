using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace EdgeSync.Storage.Assets;

/// <summary>Extended attributes of files, on Linux; elsewhere there are none.</summary>
internal static partial class ExtendedAttributes
{
    private const int NoSuchAttribute = 61;   // ENODATA
    private const int TooSmall = 34;          // ERANGE
    private const int ValueBytesMax = 64 * 1024;

    /// <summary>Sets an attribute, or removes it for null; false when the file system cannot.</summary>
    public static bool TrySet(string path, string name, string? value)
    {
        if (!OperatingSystem.IsLinux()) return false;
        if (value is null)
            return RemoveAttribute(path, name) == 0 || Marshal.GetLastPInvokeError() == NoSuchAttribute;

        var bytes = Encoding.UTF8.GetBytes(value);
        return SetAttribute(path, name, bytes, bytes.Length, 0) == 0;
    }

    /// <summary>Null when there is none.</summary>
    public static string? Get(string path, string name)
    {
        if (!OperatingSystem.IsLinux()) return null;

        var buffer = ArrayPool<byte>.Shared.Rent(1024);
        try
        {
            var length = GetAttribute(path, name, buffer, buffer.Length);
            if (length < 0 && Marshal.GetLastPInvokeError() == TooSmall)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = ArrayPool<byte>.Shared.Rent(ValueBytesMax);
                length = GetAttribute(path, name, buffer, buffer.Length);
            }

            return length < 0 ? null : Encoding.UTF8.GetString(buffer, 0, (int)length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    [LibraryImport("libc", EntryPoint = "setxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetAttribute(string path, string name, byte[] value, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetAttribute(string path, string name, byte[] value, nint size);

    [LibraryImport("libc", EntryPoint = "removexattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RemoveAttribute(string path, string name);
}
