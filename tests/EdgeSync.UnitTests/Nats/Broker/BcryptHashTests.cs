using EdgeSync.Nats.Broker;

namespace EdgeSync.UnitTests.Nats.Broker;

public class BcryptHashTests
{
    // The first five are the well-known vectors of the algorithm; the others were made by libxcrypt 4.4.
    [Test]
    [Arguments("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    [Arguments("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe")]
    [Arguments("abc", "$2a$08$Ro0CUfOqk6cXEKf3dyaM7OhSCvnwM9s4wIX9JeLapehKK5YdLxKcm")]
    [Arguments("abcdefghijklmnopqrstuvwxyz", "$2a$10$fVH8e28OQRj9tqiDXs1e1uxpsjN0c7II7YPKXua2NAKYvM6iQk7dq")]
    [Arguments("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$04$fPIsBO8qRqkjj273rfaOI.EmBrkYrjQdLmVDJucFt2PeDlIKQ7/Wm")]
    [Arguments("pässwörd €", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.a9MeHAB6wWWF48to3nd78PLrs6BFBci")]
    [Arguments("s3cr3t", "$2b$11$BFZgAc7ZA8pUJxclud0FWeFDJhJ.8Ae0W9n4aGOVpShUiamN/qs9u")]
    public void Verifies_what_others_made(string password, string text)
    {
        Assert.True(BcryptHash.TryParse(text, out var hash));

        Assert.True(hash!.Verify(password));
        Assert.False(hash.Verify(password + "x"));
    }

    [Test]
    public void What_lies_beyond_72_bytes_does_not_count()
    {
        Assert.True(BcryptHash.TryParse("$2y$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i", out var hash));

        Assert.True(hash!.Verify(new string('x', 72)));
        Assert.True(hash.Verify(new string('x', 100)));
        Assert.False(hash.Verify(new string('x', 71)));
    }

    [Test]
    [Arguments("")]
    [Arguments("secret")]
    [Arguments("$2a$11$abcdefghijklmnopqrstuv")]
    [Arguments("$2a$15$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    [Arguments("$2a$03$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    [Arguments("$2c$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    [Arguments("$2a$06$DCq7YPn5Rq63x1Lad4cll!TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    [Arguments("$1a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    public void Other_text_is_not_a_hash(string text) => Assert.False(BcryptHash.TryParse(text, out _));
}
