using EdgeSync.Can.Sync.Passphrase;

namespace EdgeSync.UnitTests.Can.Sync;

/// <summary>The vectors of draft-irtf-cfrg-cpace for X25519 and SHA-512 (its testvectors.md).</summary>
public sealed class CPaceTests
{
    private static readonly byte[] Session = Bytes("7e4b4791d6a8ef019b936c79fb7f2c57");
    private static readonly byte[] Channel =
        Bytes("6f630b425f726573706f6e6465720b415f696e69746961746f72");
    private static readonly byte[] ScalarA =
        Bytes("21b4f4bd9e64ed355c3eb676a28ebedaf6d8f17bdc365995b319097153044080");
    private static readonly byte[] ScalarB =
        Bytes("848b0779ff415f0af4ea14df9dd1d3c29ac41d836c7808896c4eba19c51ac40a");
    private const string PointA = "1b02dad6dbd29a07b6d28c9e04cb2f184f0734350e32bb7e62ff9dbcfdb63d15";
    private const string PointB = "20cda5955f82c4931545bcbf40758ce1010d7db4db2a907013d79c7a8fcf957f";
    private const string Shared = "f97fdfcfff1c983ed6283856a401de3191ca919902b323c5f950c9703df7297a";

    [Test]
    public void The_generator_is_that_of_the_draft() => Assert.Equal(
        "64e8099e3ea682cfdc5cb665c057ebb514d06bf23ebc9f743b51b82242327074",
        Hex(CPace.Generator("Password"u8, Channel, Session)));

    [Test]
    public void Points_and_the_shared_secret_are_those_of_the_draft()
    {
        var generator = CPace.Generator("Password"u8, Channel, Session);

        Assert.Equal(PointA, Hex(CPace.Multiply(ScalarA, generator)));
        Assert.Equal(PointB, Hex(CPace.Multiply(ScalarB, generator)));
        Assert.Equal(Shared, Hex(CPace.Agree(ScalarA, Bytes(PointB))!));
        Assert.Equal(Shared, Hex(CPace.Agree(ScalarB, Bytes(PointA))!));
    }

    [Test]
    public void The_key_is_that_of_the_draft() => Assert.Equal(
        "a051ee5ee2499d16da3f69f430218b8ea94a18a45b67f9e86495b382c33d14a5"
            + "c38cecc0cc834f960e39e0d1bf7d76b9ef5d54eecc5e0f386c97ad12da8c3d5f",
        Hex(CPace.Key(
            Session, Bytes(Shared), new CPaceMessage(Bytes(PointA), "ADa"u8.ToArray()),
            new CPaceMessage(Bytes(PointB), "ADb"u8.ToArray()))));

    [Test]
    [Arguments("0000000000000000000000000000000000000000000000000000000000000000", null)]
    [Arguments("0100000000000000000000000000000000000000000000000000000000000000", null)]
    [Arguments("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", null)]
    [Arguments("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", null)]
    [Arguments("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", null)]
    [Arguments("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", null)]
    [Arguments(
        "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "d8e2c776bbacd510d09fd9278b7edcd25fc5ae9adfba3b6e040e8d3b71b21806")]
    [Arguments("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", null)]
    [Arguments(
        "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "c85c655ebe8be44ba9c0ffde69f2fe10194458d137f09bbff725ce58803cdb38")]
    [Arguments(
        "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "db64dafa9b8fdd136914e61461935fe92aa372cb056314e1231bc4ec12417456")]
    [Arguments(
        "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
        "e062dcd5376d58297be2618c7498f55baa07d7e03184e8aada20bca28888bf7a")]
    [Arguments(
        "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
        "993c6ad11c4c29da9a56f7691fd0ff8d732e49de6250b6c2e80003ff4629a175")]
    public void Points_of_small_order_are_refused(string point, string? product)
    {
        var agreed = CPace.Agree(
            Bytes("af46e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449aff"), Bytes(point));

        Assert.Equal(product, agreed is null ? null : Hex(agreed));
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
