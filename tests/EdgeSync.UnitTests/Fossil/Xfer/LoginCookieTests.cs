using System.Text;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.UnitTests.Fossil.Xfer;

public class LoginCookieTests
{
    [Test]
    [Arguments("x-f-l-c=login+tester+12ab+34cd", "login tester 12ab 34cd")]
    [Arguments("fossil-abc=1; x-f-l-c=login+a%5cs%c3%A9+1+2 ; y=2", "login a\\sé 1 2")]
    [Arguments(" x-f-l-c = login%20a%2B+1+2", "login a+ 1 2")]
    [Arguments("x-f-l-c=100%+%4+%zz", "100% %4 %zz")]
    [Arguments("x-f-l-c=", "")]
    [Arguments("x-f-l-c=one;x-f-l-c=two", "one\ntwo")]
    [Arguments("X-F-L-C=login+a+1+2", null)]
    [Arguments("my-x-f-l-c=1; x-f-l-c2=1; x-f-l-c", null)]
    [Arguments("", null)]
    [Arguments(null, null)]
    public void The_card_is_found_and_decoded(string? header, string? card) =>
        Assert.Equal(card, LoginCookie.CardIn(header) is { } bytes ? Encoding.UTF8.GetString(bytes) : null);
}
