using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Delta;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Delta;

public sealed class DeltaTests
{
    private const int SizeMax = 1 << 24;

    [Test]
    [Arguments("hello\n", "hello world\n", "430a433a68656c6c6f20776f726c640a3139785f56613b")]
    [Arguments("0123456789abcdef0123456789abcdef", "", "300a303b")]
    [Arguments(
        "The quick brown fox jumps over the lazy dog. PACK MY BOX with five dozen liquor jugs!\n",
        "PACK MY BOX with five dozen liquor jugs! The quick brown fox jumps over the lazy dog. \n",
        "314e0a6440692c313a206940302c313a0a3365336b30413b")]
    public void Writes_the_bytes_that_stock_writes(string source, string target, string hex)
    {
        var delta = DeltaEncoder.Encode(Encoding.ASCII.GetBytes(source), Encoding.ASCII.GetBytes(target));

        Assert.Equal(hex, Convert.ToHexStringLower(delta));
    }

    [Test]
    public void What_was_encoded_applies() => Property.Check(prng =>
    {
        var (source, target) = DeltaPairs.Draw(prng);
        var delta = DeltaEncoder.Encode(source, target);

        Assert.True(DeltaApplier.TryApply(source, delta, SizeMax, out var made, out var fault), fault.ToString());
        Assert.Equal(target, made);
        Assert.True(delta.Length <= DeltaEncoder.GetLengthMax(target.Length));
    }, runs: 500);

    [Test]
    public void Appends_to_a_writer_and_answers_the_size_first() => Property.Check(prng =>
    {
        var (source, target) = DeltaPairs.Draw(prng);
        var delta = new ArrayBufferWriter<byte>();
        var made = new ArrayBufferWriter<byte>();

        DeltaEncoder.Encode(source, target, delta);

        Assert.True(DeltaReader.TryReadTargetSize(delta.WrittenSpan, out var size));
        Assert.Equal(target.Length, size);
        Assert.True(DeltaApplier.TryApply(source, delta.WrittenSpan, size, made, out _));
        Assert.Equal(target, made.WrittenSpan.ToArray());
    });

    [Test]
    public void Gives_up_when_the_budget_is_spent() => Property.Check(prng =>
    {
        var (source, target) = DeltaPairs.Draw(prng);
        var whole = DeltaEncoder.Encode(source, target);

        for (var room = 0; room < whole.Length; room += 1 + (room / 8))
            Assert.False(DeltaEncoder.TryEncode(source, target, new byte[room], out _));
        var exact = new byte[whole.Length];
        Assert.True(DeltaEncoder.TryEncode(source, target, exact, out var written));
        Assert.Equal(whole.Length, written);
        Assert.Equal(whole, exact);
    }, runs: 60);
}
