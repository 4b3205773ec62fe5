namespace EdgeSync.Node.Brokers;

/// <summary>The hints for a server that rejects this node, or that is unreachable.</summary>
internal static class NatsHint
{
    public const string AnotherName = "give one of the two another name: --name, or node.name in edgesync.json";

    private const string Login =
        "check nats.login (user and password_file, token_file, nkey_file or creds_file), and the users of that "
            + "server";
    private const string Certificate =
        "nats.tls.ca_file adds an authority to trust; the certificate must be for the name in the address";

    public static string For(string? url, string? error) => error switch
    {
        null => Examine(url),
        _ when Has(error, "another link of the name") => AnotherName,
        _ when Has(error, "credentials") || Has(error, "authoriz") || Has(error, "authentication revoked") => Login,
        _ when Has(error, "certificate") || Has(error, "SSL") || Has(error, "TLS") => Certificate,
        _ => Examine(url),
    };

    private static bool Has(string error, string word) => error.Contains(word, StringComparison.OrdinalIgnoreCase);

    private static string Examine(string? url) => $"edgesync doctor --nats {url}";
}
