using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Web.Pages;

/// <summary>What a request for a page names: the last part of its path, and its query.</summary>
/// <param name="Name">Behind <c>/info/</c>, <c>/raw/</c> and the like; empty elsewhere.</param>
internal sealed record PageQuery(string Name, IQueryCollection Values)
{
    /// <summary>The first value; null for none, or an empty one.</summary>
    public string? this[string key] => Values[key] is [{ Length: > 0 } value, ..] ? value : null;
}
