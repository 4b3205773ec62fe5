using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>A peer that is stored in a repository.</summary>
/// <param name="Name">The user's name for it, or <c>default</c>.</param>
/// <param name="Url">With the user, without the password.</param>
public sealed record Remote(string Name, string Url);

/// <summary>
/// The peer of the last sync, as stock stores it: the address with its user in <c>last-sync-url</c>, the password in
/// <c>last-sync-pw</c>, obscured (which is not encryption). Named remotes are stored in the same way in
/// <c>sync-url:NAME</c> and <c>sync-pw:NAME</c>; <c>default</c> is the peer of the last sync.
/// </summary>
public static class SavedPeer
{
    /// <summary>The name of the peer of the last sync.</summary>
    public const string Default = "default";

    // Spec: obscure() in encode.c; each program reads what the other wrote.
    private static ReadOnlySpan<byte> Mask =>
        [0xa7, 0x21, 0x31, 0xe3, 0x2a, 0x50, 0x2c, 0x86, 0x4c, 0xa4, 0x52, 0x25, 0xff, 0x49, 0x35, 0x85];

    public static (string? Url, string? Password) Read(Repository repository) =>
        Read(repository, "last-sync-url", "last-sync-pw");

    /// <summary>What <c>fossil remote add NAME URL</c> stored; no URL when there is no remote of that name.</summary>
    public static (string? Url, string? Password) Read(Repository repository, string name) =>
        Read(repository, KeysOf(name).Url, KeysOf(name).Password);

    /// <summary>The remembered peers, sorted by name.</summary>
    public static IReadOnlyList<Remote> List(Repository repository)
    {
        IEnumerable<Remote> named = repository.Settings.List("sync-url:")
            .Select(s => new Remote(s.Name["sync-url:".Length..], s.Value));
        if (repository.Settings["last-sync-url"] is { } last) named = named.Append(new Remote(Default, last));
        return [.. named.OrderBy(r => r.Name, StringComparer.Ordinal)];
    }

    public static void Write(Repository repository, string url, string? password) =>
        Write(repository, Default, url, password);

    /// <summary>Stores a peer under a name.</summary>
    public static void Write(Repository repository, string name, string url, string? password)
    {
        using var transaction = repository.Begin();
        var (urlKey, passwordKey) = KeysOf(name);
        repository.Settings.Set(urlKey, url);
        if (password is not null) repository.Settings.Set(passwordKey, Obscure(password, repository.Entropy));
        else repository.Settings.Remove(passwordKey);
        transaction.Commit();
    }

    /// <summary>Deletes a peer and its password.</summary>
    public static void Forget(Repository repository, string name)
    {
        using var transaction = repository.Begin();
        var (urlKey, passwordKey) = KeysOf(name);
        repository.Settings.Remove(urlKey);
        repository.Settings.Remove(passwordKey);
        transaction.Commit();
    }

    /// <summary>Deletes the passwords of all peers; returns their number.</summary>
    public static int ForgetPasswords(Repository repository)
    {
        using var transaction = repository.Begin();
        List<string> keys = [.. repository.Settings.List("sync-pw:").Select(s => s.Name), "last-sync-pw"];
        var count = keys.Count(key => repository.Settings.Remove(key));
        transaction.Commit();
        return count;
    }

    private static (string Url, string Password) KeysOf(string name) =>
        name == Default ? ("last-sync-url", "last-sync-pw") : ("sync-url:" + name, "sync-pw:" + name);

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
