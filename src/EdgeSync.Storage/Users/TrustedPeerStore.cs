using System.Globalization;
using System.Security.Cryptography;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Users;

/// <summary>A peer that this repository is open to without a login: it proves its key at each connection.</summary>
/// <param name="Id">Its endpoint id: 64 lower-case hex digits.</param>
/// <param name="Capabilities">One letter each, as of a Fossil user.</param>
/// <param name="AddedAt">When it was added.</param>
public sealed record TrustedPeer(string Id, string Capabilities, Instant AddedAt)
{
    /// <summary>What it calls itself, or the user calls it; empty when unknown.</summary>
    public string Name { get; init; } = "";

    /// <summary>A ticket by which it can be dialled; null when it only connects to us.</summary>
    public string? Ticket { get; init; }
}

/// <summary>
/// The peers that a repository trusts, and the one-time tokens by which machines become such peers. Only the SHA-256 of
/// a token is stored, and a used or expired one is removed.
/// <code>
/// config   edgesync:peer:ID     CAPABILITIES ADDED TICKET|- NAME      seconds since 1970
/// config   edgesync:pair:HASH   EXPIRES CAPABILITIES
/// </code>
/// </summary>
public sealed class TrustedPeerStore
{
    public const int TokenBytes = 16;

    private const string PeerPrefix = "edgesync:peer:";
    private const string TokenPrefix = "edgesync:pair:";
    private const int NameLengthMax = 64;

    private readonly Repository _repository;

    internal TrustedPeerStore(Repository repository) => _repository = repository;

    /// <summary>By id.</summary>
    public IReadOnlyList<TrustedPeer> List() =>
        [.. _repository.Settings.List(PeerPrefix).Select(s => Parse(s.Name[PeerPrefix.Length..], s.Value))];

    /// <summary>Null: it is not trusted.</summary>
    public TrustedPeer? Find(string id) => _repository.Settings[PeerPrefix + id] is { } value ? Parse(id, value) : null;

    /// <summary>Adds a peer, or replaces what is stored of it.</summary>
    /// <exception cref="EdgeSyncException">The capabilities are not letters.</exception>
    public void Set(TrustedPeer peer)
    {
        RequireCapabilities(peer.Capabilities);
        var name = DisplayText.OneLine(peer.Name);
        if (name.Length > NameLengthMax) name = name[..NameLengthMax];
        _repository.Settings.Set(
            PeerPrefix + peer.Id,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{peer.Capabilities} {peer.AddedAt.UnixSeconds} {peer.Ticket ?? "-"} {name}"));
    }

    /// <summary>False: it was not trusted.</summary>
    public bool Remove(string id) => _repository.Settings.Remove(PeerPrefix + id);

    /// <summary>Creates a token for one more peer.</summary>
    /// <returns>The token, which is not stored, and its expiry.</returns>
    /// <exception cref="EdgeSyncException">The capabilities are not letters.</exception>
    public (byte[] Token, Instant ExpiresAt) CreateToken(TimeSpan timeToLive, string capabilities)
    {
        RequireCapabilities(capabilities);
        var token = new byte[TokenBytes];
        _repository.Entropy.Fill(token);
        var expires = _repository.Now + timeToLive;
        using var transaction = _repository.Begin();
        RemoveOldTokens();
        _repository.Settings.Set(
            KeyOf(token), string.Create(CultureInfo.InvariantCulture, $"{expires.UnixSeconds} {capabilities}"));
        transaction.Commit();
        return (token, expires);
    }

    /// <summary>Uses a token up.</summary>
    /// <returns>The capabilities that it grants; null: unknown, used or expired.</returns>
    public string? TakeToken(ReadOnlySpan<byte> token)
    {
        var key = KeyOf(token);
        using var transaction = _repository.Begin();
        RemoveOldTokens();
        var capabilities = _repository.Settings[key]?.Split(' ')[1];
        _repository.Settings.Remove(key);
        transaction.Commit();
        return capabilities;
    }

    /// <exception cref="EdgeSyncException">Anything but letters.</exception>
    public static void RequireCapabilities(string capabilities)
    {
        if (capabilities.Length is 0 or > 32 || !capabilities.All(char.IsAsciiLetterOrDigit))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{capabilities}' is not a list of capabilities",
                "letters of Fossil: g clone, o read, i write, y unversioned files, x private branches");
    }

    private static string KeyOf(ReadOnlySpan<byte> token) =>
        TokenPrefix + Convert.ToHexStringLower(SHA256.HashData(token));

    private static TrustedPeer Parse(string id, string value)
    {
        var words = value.Split(' ', 4);
        return new TrustedPeer(id, words[0], Instant.FromUnixSeconds(Seconds(words.ElementAtOrDefault(1))))
        {
            Ticket = words.ElementAtOrDefault(2) is { Length: > 1 } ticket ? ticket : null,
            Name = words.ElementAtOrDefault(3) ?? "",
        };
    }

    private static long Seconds(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 0;

    private void RemoveOldTokens()
    {
        var now = _repository.Now.UnixSeconds;
        foreach (var setting in _repository.Settings.List(TokenPrefix))
            if (Seconds(setting.Value.Split(' ')[0]) <= now) _repository.Settings.Remove(setting.Name);
    }
}
