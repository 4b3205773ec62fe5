namespace EdgeSync.Fossil.Checkout;

/// <summary>Names that Windows gives to devices. Spec: file_is_win_reserved in file.c.</summary>
public static class WindowsName
{
    private static readonly string[] Devices =
    [
        "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1",
        "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
    ];

    /// <summary>Whether a part of the path is one, with any suffix.</summary>
    public static bool IsReserved(string path)
    {
        foreach (var part in path.Split('/'))
        {
            var dot = part.IndexOf('.', StringComparison.Ordinal);
            if (Devices.Contains(dot < 0 ? part : part[..dot], StringComparer.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}
