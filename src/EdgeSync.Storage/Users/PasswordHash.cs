using System.Security.Cryptography;
using System.Text;

namespace EdgeSync.Storage.Users;

/// <summary>
/// Passwords as stored in the <c>user</c> table: 40 hex digits, valid for one project and one login.
/// </summary>
// Spec: sha1.c, sha1_shared_secret: SHA1 over PROJECT "/" LOGIN "/" PASSWORD. The protocol's login signs with it.
public static class PasswordHash
{
    public const int Length = 40;

    /// <summary>True for text that stock reads as a hash; any other text is a clear password.</summary>
    public static bool IsHash(string stored) => stored.Length == Length;

    public static string Compute(string projectCode, string login, string password)
    {
        var text = Encoding.UTF8.GetBytes($"{projectCode}/{login}/{password}");
        return Convert.ToHexStringLower(SHA1.HashData(text));
    }
}
