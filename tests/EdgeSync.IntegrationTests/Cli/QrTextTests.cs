using EdgeSync.Cli.Printing;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>QR codes of characters; the ones here were read by zbar.</summary>
public sealed class QrTextTests
{
    [Test]
    public void A_code_is_drawn_with_two_modules_a_character() => Assert.Equal(
        """
        █████████████████████████████
        █████████████████████████████
        ████ ▄▄▄▄▄ ██ ▀ ▄█ ▄▄▄▄▄ ████
        ████ █   █ █▄ █ ▄█ █   █ ████
        ████ █▄▄▄█ ███▄█ █ █▄▄▄█ ████
        ████▄▄▄▄▄▄▄█ ▀▄▀ █▄▄▄▄▄▄▄████
        ████  ▄█▄ ▄▄▄ ▄▄█▄ ▀█▀ ▀▀████
        ████▄ █  █▄▀▀  █▄█▀█ █ █▄████
        ██████▄▄██▄█▀  ▀▄▀▄█▀█ ▀▀████
        ████ ▄▄▄▄▄ █  ▀ ▀ ▄▄█▀██▄████
        ████ █   █ █▄▄▀▄█▄ ██▀█ ▄████
        ████ █▄▄▄█ █ █▀█▄█▀▄ █▀▀ ████
        ████▄▄▄▄▄▄▄█▄█▄█▄█▄▄▄█▄█▄████
        █████████████████████████████
        ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀
        """.ReplaceLineEndings("\n") + "\n",
        QrText.Draw("ESP2345ABC"));

    [Test]
    public void A_pairing_code_of_usual_length_is_narrower_than_a_terminal()
    {
        var drawn = QrText.Draw("ESP" + new string('Q', 240))!;

        Assert.All(drawn.TrimEnd('\n').Split('\n'), line => Assert.Equal(57, line.Length));
        Assert.Null(QrText.Draw("ESP" + new string('Q', 700)));
    }
}
