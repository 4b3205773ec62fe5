namespace EdgeSync.Node.Brokers;

/// <summary>What a person can do about a server that does not let us in, or that is not there.</summary>
internal static class NatsHint
{
    public const string AnotherName = "give one of the two another name: --name, or node.name in edgesync.json";

    private const string Login =
        "look at nats.login (user and password_file, token_file, nkey_file or creds_file), and at the users of that "
            + "server";
    private const string Certificate =
        "nats.tls.ca_file names whom to trust besides the system; the certificate must be for the name in the address";

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
