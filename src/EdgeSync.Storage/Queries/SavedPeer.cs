using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>
/// The peer of the last sync, as stock stores it: the address with its user in <c>last-sync-url</c>, the password in
/// <c>last-sync-pw</c>, obscured (which is not encryption). Named remotes are stored in the same way in
/// <c>sync-url:NAME</c> and <c>sync-pw:NAME</c>; <c>default</c> is the peer of the last sync.
/// </summary>
public static class SavedPeer
{
    // Spec: obscure() in encode.c; each program reads what the other wrote.
    private static ReadOnlySpan<byte> Mask =>
        [0xa7, 0x21, 0x31, 0xe3, 0x2a, 0x50, 0x2c, 0x86, 0x4c, 0xa4, 0x52, 0x25, 0xff, 0x49, 0x35, 0x85];

    public static (string? Url, string? Password) Read(Repository repository) =>
        Read(repository, "last-sync-url", "last-sync-pw");

    /// <summary>What <c>fossil remote add NAME URL</c> stored; no URL when there is no remote of that name.</summary>
    public static (string? Url, string? Password) Read(Repository repository, string name) =>
        name == "default" ? Read(repository) : Read(repository, "sync-url:" + name, "sync-pw:" + name);

    public static void Write(Repository repository, string url, string? password)
    {
        using var transaction = repository.Begin();
        repository.Settings.Set("last-sync-url", url);
        if (password is not null) repository.Settings.Set("last-sync-pw", Obscure(password, repository.Entropy));
        else repository.Settings.Remove("last-sync-pw");
        transaction.Commit();
    }

    private static (string? Url, string? Password) Read(Repository repository, string urlKey, string passwordKey) =>
        (
            repository.Settings[urlKey],
            repository.Settings[passwordKey] is { Length: > 0 } stored ? Reveal(stored) : null);

    public static string Obscure(string text, Entropy entropy)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var bytes = new byte[plain.Length + 1];
        entropy.Fill(bytes.AsSpan(0, 1));
        for (var i = 0; i < plain.Length; i++) bytes[i + 1] = (byte)(plain[i] ^ Mask[i % Mask.Length] ^ bytes[0]);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>Text that is not obscured is returned unchanged.</summary>
    public static string Reveal(string stored)
    {
        if (stored.Length < 2 || stored.Length % 2 != 0 || !stored.All(char.IsAsciiHexDigit)) return stored;

        var bytes = Convert.FromHexString(stored);
        for (var i = 1; i < bytes.Length; i++) bytes[i] ^= (byte)(Mask[(i - 1) % Mask.Length] ^ bytes[0]);
        return Encoding.UTF8.GetString(bytes.AsSpan(1));
    }
}
