namespace EdgeSync.Node.Settings;

/// <summary>The user of the operating system.</summary>
internal static class SystemUser
{
    /// <summary>The login of the user, found as in stock.</summary>
    public static string Name
    {
        get
        {
            foreach (var variable in (ReadOnlySpan<string>)["FOSSIL_USER", "USER", "LOGNAME", "USERNAME"])
            {
                if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } user) return user;
            }

            return Environment.UserName is { Length: > 0 } name ? name : "anonymous";
        }
    }
}
