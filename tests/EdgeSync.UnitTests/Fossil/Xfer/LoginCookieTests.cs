using System.Text;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.UnitTests.Fossil.Xfer;

public class LoginCookieTests
{
    [Theory]
    [InlineData("x-f-l-c=login+tester+12ab+34cd", "login tester 12ab 34cd")]
    [InlineData("fossil-abc=1; x-f-l-c=login+a%5cs%c3%A9+1+2 ; y=2", "login a\\sé 1 2")]
    [InlineData(" x-f-l-c = login%20a%2B+1+2", "login a+ 1 2")]
    [InlineData("x-f-l-c=100%+%4+%zz", "100% %4 %zz")]
    [InlineData("x-f-l-c=", "")]
    [InlineData("x-f-l-c=one;x-f-l-c=two", "one\ntwo")]
    [InlineData("X-F-L-C=login+a+1+2", null)]
    [InlineData("my-x-f-l-c=1; x-f-l-c2=1; x-f-l-c", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void The_card_is_found_and_decoded(string? header, string? card) =>
        Assert.Equal(card, LoginCookie.CardIn(header) is { } bytes ? Encoding.UTF8.GetString(bytes) : null);
}
