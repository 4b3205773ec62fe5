namespace EdgeSync.Node.Settings;

/// <summary>Whom the operating system says we work for.</summary>
internal static class SystemUser
{
    /// <summary>The login of the person at the keyboard, found as stock finds it.</summary>
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
