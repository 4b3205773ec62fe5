using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;
using X86Aes = System.Runtime.Intrinsics.X86.Aes;

namespace EdgeSync.Quic.Protection;

/// <summary>
/// One block of AES over a sample of the ciphertext: the mask of a packet's first byte and number. Spec: RFC 9001
/// §5.4.3.
/// </summary>
/// <remarks>
/// By the processor's instructions where it has them: 14 ns, in constant time. The base library's ECB, which takes its
/// place elsewhere, costs about a microsecond for each packet.
/// </remarks>
internal sealed class HeaderMask : IDisposable
{
    /// <summary>Bytes of ciphertext that are sampled.</summary>
    public const int SampleBytes = 16;

    private readonly Vector128<byte>[]? _roundKeys;
    private readonly Aes? _library;

    /// <param name="key">16 or 32 bytes.</param>
    /// <param name="useLibrary">For tests: as if the processor had no AES instructions.</param>
    public HeaderMask(ReadOnlySpan<byte> key, bool useLibrary = false)
    {
        if ((X86Aes.IsSupported || ArmAes.IsSupported) && !useLibrary)
        {
            _roundKeys = ExpandKey(key);
            return;
        }

        _library = Aes.Create();
        _library.SetKey(key);
    }

    /// <summary>Writes 16 bytes of mask, of which five are used.</summary>
    public void Compute(ReadOnlySpan<byte> sample, Span<byte> mask)
    {
        if (_roundKeys is null) _library!.EncryptEcb(sample[..SampleBytes], mask, PaddingMode.None);
        else if (X86Aes.IsSupported) EncryptX86(_roundKeys, Vector128.Create(sample)).CopyTo(mask);
        else EncryptArm(_roundKeys, Vector128.Create(sample)).CopyTo(mask);
    }

    public void Dispose()
    {
        _roundKeys?.AsSpan().Clear();
        _library?.Dispose();
    }

    private static Vector128<byte> EncryptX86(Vector128<byte>[] keys, Vector128<byte> block)
    {
        block ^= keys[0];
        for (var i = 1; i < keys.Length - 1; i++) block = X86Aes.Encrypt(block, keys[i]);
        return X86Aes.EncryptLast(block, keys[^1]);
    }

    private static Vector128<byte> EncryptArm(Vector128<byte>[] keys, Vector128<byte> block)
    {
        for (var i = 0; i < keys.Length - 2; i++) block = ArmAes.MixColumns(ArmAes.Encrypt(block, keys[i]));
        return ArmAes.Encrypt(block, keys[^2]) ^ keys[^1];
    }

    /// <summary>The key schedule of AES (FIPS 197 §5.2), in words as they are in memory.</summary>
    private static Vector128<byte>[] ExpandKey(ReadOnlySpan<byte> key)
    {
        var keyWords = key.Length / 4;
        var rounds = keyWords + 6;
        Span<uint> words = stackalloc uint[4 * 15];
        for (var i = 0; i < keyWords; i++) words[i] = BitConverter.ToUInt32(key[(4 * i)..]);
        uint rcon = 1;
        for (var i = keyWords; i < 4 * (rounds + 1); i++)
        {
            var word = words[i - 1];
            if (i % keyWords == 0)
            {
                word = uint.RotateRight(SubstituteWord(word), 8) ^ rcon;
                rcon = (rcon << 1) ^ (rcon >= 0x80 ? 0x11bU : 0);
            }
            else if (keyWords == 8 && i % keyWords == 4)
            {
                word = SubstituteWord(word);
            }

            words[i] = words[i - keyWords] ^ word;
        }

        var keys = new Vector128<byte>[rounds + 1];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = Vector128.Create<uint>(words.Slice(4 * i, 4)).AsByte();
        words.Clear();
        return keys;
    }

    /// <summary>
    /// The S-box by the last round of AES, without a table: with four equal columns, shifting rows changes nothing.
    /// </summary>
    private static uint SubstituteWord(uint word)
    {
        var columns = Vector128.Create(word).AsByte();
        var substituted = X86Aes.IsSupported
            ? X86Aes.EncryptLast(columns, Vector128<byte>.Zero)
            : ArmAes.Encrypt(columns, Vector128<byte>.Zero);
        return substituted.AsUInt32().ToScalar();
    }
}
