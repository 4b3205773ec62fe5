using System.Text;
using QRCoder;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// QR codes (ISO/IEC 18004) of characters: each one is two modules, one above the other. Light modules are drawn, so
/// that a terminal with light text on dark shows the code as it is printed on paper; readers take the other one too.
/// </summary>
internal static class QrText
{
    /// <summary>A wider code would not fit a terminal.</summary>
    public const int ColumnsMax = 80;

    /// <param name="text">Upper-case letters and digits take the least room: 5.5 bits each.</param>
    /// <param name="isMedium">15 % of the code may be damaged; otherwise 7 %.</param>
    /// <returns>Lines with their ends, with the light border; null: it is too wide.</returns>
    public static string? Draw(string text, bool isMedium = false)
    {
        using var code = QRCodeGenerator.GenerateQrCode(
            text, isMedium ? QRCodeGenerator.ECCLevel.M : QRCodeGenerator.ECCLevel.L);
        var rows = code.ModuleMatrix;
        if (rows.Count > ColumnsMax) return null;

        var drawn = new StringBuilder();
        for (var y = 0; y < rows.Count; y += 2)
        {
            for (var x = 0; x < rows.Count; x++) drawn.Append(CharacterOf(IsLight(x, y), IsLight(x, y + 1)));
            drawn.Append('\n');
        }

        return drawn.ToString();

        bool IsLight(int x, int y) => y < rows.Count && !rows[y][x];
    }

    private static char CharacterOf(bool upper, bool lower) => (upper, lower) switch
    {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        _ => ' ',
    };
}
