using EdgeSync.Can.Queries;

namespace EdgeSync.UnitTests.Can.Queries;

public sealed class AssetQueryTests
{
    [Test]
    public void Has_the_defaults_of_the_service()
    {
        Assert.Null(Parse("", out var query));
        Assert.Equal(50, query.Limit);
        Assert.Equal(0, query.Offset);
        Assert.False(query.IsAscending || query.IncludesTrashed || query.OnlyTrashed);
        Assert.Empty(query.Tags);
    }

    [Test]
    public void Takes_every_filter()
    {
        Assert.Null(Parse(
            "limit=7&offset=3&order=asc&include_trashed=true&application=a&user=u&mime_type=image/&human_path=/p/"
            + "&q=one two&start_time=1&end_time=2&hash=b4cb&tags=x,y&unknown=1", out var query));

        Assert.Equal((7, 3, true, true), (query.Limit, (int)query.Offset, query.IsAscending, query.IncludesTrashed));
        Assert.Equal(("a", "u", "image/", "/p/"), (query.Application, query.User, query.MimePrefix, query.PathPrefix));
        Assert.Equal((1L, 2L, "b4cb"), (query.StartMs, query.EndMs, query.HashPrefix));
        Assert.Equal("x y one two", string.Join(' ', [.. query.Tags, .. query.Words]));
    }

    [Test]
    [Arguments("limit=0")]
    [Arguments("limit=1001")]
    [Arguments("limit=x")]
    [Arguments("offset=-1")]
    [Arguments("order=up")]
    [Arguments("include_trashed=yes")]
    [Arguments("start_time=now")]
    [Arguments("hash=XYZ")]
    [Arguments("cursor=1")]
    [Arguments("cursor=1-2&offset=1")]
    public void Refuses_what_is_no_value(string text) => Assert.NotNull(Parse(text, out _));

    [Test]
    public void A_cursor_is_read_as_it_is_written()
    {
        Assert.True(PageCursor.TryParse("1773014400123-42", out var cursor));
        Assert.Equal(new PageCursor(1773014400123, 42), cursor);
        Assert.Equal("1773014400123-42", cursor.ToString());
    }

    private static string? Parse(string text, out AssetQuery query)
    {
        var parameters = text.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('='))
            .ToDictionary(p => p[0], p => p[1]);
        return AssetQuery.TryParse(parameters.GetValueOrDefault, out query);
    }
}
