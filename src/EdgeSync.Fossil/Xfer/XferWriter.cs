using System.Buffers;
using System.Buffers.Text;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Xfer;

/// <summary>
/// Writes cards, one method each, with the grammar above it. Counts the bytes, because budgets are in bytes.
/// </summary>
public sealed class XferWriter(IBufferWriter<byte> output)
{
    /// <summary>Bytes written so far.</summary>
    public long BytesWritten { get; private set; }

    /// <summary><c>igot ID [1]</c></summary>
    public void IGot(ArtifactId id, bool isPrivate)
    {
        Word("igot"u8);
        Id(id);
        if (isPrivate) Raw(" 1"u8);
        EndLine();
    }

    /// <summary><c>gimme ID</c></summary>
    public void Gimme(ArtifactId id)
    {
        Word("gimme"u8);
        Id(id);
        EndLine();
    }

    /// <summary><c>[private LF] file ID [SOURCE] SIZE LF BYTES</c>, and no line feed behind the bytes.</summary>
    public void File(ArtifactId id, ArtifactId source, bool isPrivate, ReadOnlySpan<byte> bytes)
    {
        if (isPrivate) Raw("private\n"u8);
        Word("file"u8);
        Id(id);
        if (!source.IsEmpty) Id(source);
        Number(bytes.Length);
        EndLine();
        Raw(bytes);
    }

    /// <summary>
    /// <c>[private LF] cfile ID [SOURCE] USIZE CSIZE LF BYTES [LF]</c>; a line feed unless the bytes end in one.
    /// </summary>
    public void CFile(ArtifactId id, ArtifactId source, long expandedSize, bool isPrivate, ReadOnlySpan<byte> bytes)
    {
        if (isPrivate) Raw("private\n"u8);
        Word("cfile"u8);
        Id(id);
        if (!source.IsEmpty) Id(source);
        Number(expandedSize);
        Number(bytes.Length);
        EndLine();
        Raw(bytes);
        if (bytes.IsEmpty || bytes[^1] != (byte)'\n') EndLine();
    }

    /// <summary><c>login USER NONCE SIGNATURE</c></summary>
    public void Login(string user, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> signature)
    {
        Word("login"u8);
        Text(user);
        Token(nonce);
        Token(signature);
        EndLine();
    }

    /// <summary><c>push SERVERCODE PROJECTCODE</c></summary>
    public void Push(string serverCode, string projectCode) => Codes("push"u8, serverCode, projectCode);

    /// <summary><c>pull SERVERCODE PROJECTCODE</c></summary>
    public void Pull(string serverCode, string projectCode) => Codes("pull"u8, serverCode, projectCode);

    /// <summary><c>clone VERSION SEQNO</c>, or <c>clone</c> for version 1.</summary>
    public void Clone(int version, long seqno)
    {
        Word("clone"u8);
        if (version > 1)
        {
            Number(version);
            Number(seqno);
        }

        EndLine();
    }

    /// <summary><c>clone_seqno N</c></summary>
    public void CloneSeqno(long next)
    {
        Word("clone_seqno"u8);
        Number(next);
        EndLine();
    }

    /// <summary><c>uvfile NAME MTIME HASH SIZE FLAGS LF [BYTES]</c></summary>
    public void UvFile(string name, long mtimeSeconds, ArtifactId hash, ReadOnlySpan<byte> bytes)
    {
        UvHead("uvfile"u8, name, mtimeSeconds, hash, hash.IsEmpty ? 0 : bytes.Length);
        Number(hash.IsEmpty ? 1 : 0);
        EndLine();
        if (!hash.IsEmpty) Raw(bytes);
    }

    /// <summary><c>uvfile NAME MTIME HASH SIZE 4</c>: only the time changed, or the bytes are too many.</summary>
    public void UvFileWithoutContent(string name, long mtimeSeconds, ArtifactId hash, long size)
    {
        UvHead("uvfile"u8, name, mtimeSeconds, hash, size);
        Number(4);
        EndLine();
    }

    /// <summary><c>uvigot NAME MTIME HASH SIZE</c>; HASH <c>-</c> for a deletion.</summary>
    public void UvIGot(string name, long mtimeSeconds, ArtifactId hash, long size)
    {
        UvHead("uvigot"u8, name, mtimeSeconds, hash, hash.IsEmpty ? 0 : size);
        EndLine();
    }

    /// <summary><c>uvgimme NAME</c></summary>
    public void UvGimme(string name)
    {
        Word("uvgimme"u8);
        Token(Encoding.UTF8.GetBytes(name));
        EndLine();
    }

    /// <summary><c>config NAME SIZE LF BYTES LF</c></summary>
    public void Config(ReadOnlySpan<byte> name, ReadOnlySpan<byte> bytes)
    {
        Word("config"u8);
        Token(name);
        Number(bytes.Length);
        EndLine();
        Raw(bytes);
        EndLine();
    }

    /// <summary><c>reqconfig NAME</c></summary>
    public void ReqConfig(string name)
    {
        Word("reqconfig"u8);
        Text(name);
        EndLine();
    }

    /// <summary><c>cookie TEXT</c>, sent back unchanged.</summary>
    public void Cookie(string text)
    {
        Word("cookie"u8);
        Token(Encoding.UTF8.GetBytes(text));
        EndLine();
    }

    /// <summary><c>message TEXT</c></summary>
    public void Message(string text)
    {
        Word("message"u8);
        Text(text);
        EndLine();
    }

    /// <summary><c>error TEXT</c></summary>
    public void Error(string text)
    {
        Word("error"u8);
        Text(text);
        EndLine();
    }

    /// <summary><c>error TEXT</c> where part of the text is a peer's bytes, which may be of any value.</summary>
    public void Error(string text, ReadOnlySpan<byte> peerBytes)
    {
        Word("error"u8);
        Text(text);
        XferText.Encode(peerBytes, this);
        EndLine();
    }

    /// <summary>
    /// <c>pragma NAME [ARGUMENT]...</c>; arguments are written as they are, so they must hold no white space.
    /// </summary>
    public void Pragma(ReadOnlySpan<byte> name, params ReadOnlySpan<string> arguments)
    {
        Word("pragma"u8);
        Token(name);
        foreach (var argument in arguments) Token(Encoding.UTF8.GetBytes(argument));
        EndLine();
    }

    /// <summary><c>pragma uv-hash HASH</c> and its like.</summary>
    public void Pragma(ReadOnlySpan<byte> name, ArtifactId id)
    {
        Word("pragma"u8);
        Token(name);
        Id(id);
        EndLine();
    }

    /// <summary><c>schema TABLE VERSION HASH MTIME SIZE LF JSON LF</c></summary>
    public void Schema(string table, long version, string hash, long mtimeSeconds, ReadOnlySpan<byte> json)
    {
        Word("schema"u8);
        Text(table);
        Number(version);
        Text(hash);
        Number(mtimeSeconds);
        Number(json.Length);
        EndLine();
        Raw(json);
        EndLine();
    }

    /// <summary><c>xigot TABLE KEYHASH MTIME</c></summary>
    public void XIGot(string table, string keyHash, long mtimeSeconds)
    {
        Word("xigot"u8);
        Text(table);
        Text(keyHash);
        Number(mtimeSeconds);
        EndLine();
    }

    /// <summary><c>xgimme TABLE KEYHASH</c></summary>
    public void XGimme(string table, string keyHash)
    {
        Word("xgimme"u8);
        Text(table);
        Text(keyHash);
        EndLine();
    }

    /// <summary><c>xrow TABLE KEYHASH MTIME SIZE LF JSON</c></summary>
    public void XRow(string table, string keyHash, long mtimeSeconds, ReadOnlySpan<byte> json) =>
        Row("xrow"u8, table, keyHash, mtimeSeconds, json);

    /// <summary><c>xdelete TABLE KEYHASH MTIME SIZE LF JSON</c>, the JSON holding the key columns.</summary>
    public void XDelete(string table, string keyHash, long mtimeSeconds, ReadOnlySpan<byte> json) =>
        Row("xdelete"u8, table, keyHash, mtimeSeconds, json);

    /// <summary><c># TEXT</c></summary>
    public void Comment(ReadOnlySpan<byte> text)
    {
        Raw("# "u8);
        Raw(text);
        EndLine();
    }

    /// <summary>Bytes that are cards already.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        BytesWritten += bytes.Length;
    }

    private void Row(
        ReadOnlySpan<byte> word, string table, string keyHash, long mtimeSeconds, ReadOnlySpan<byte> json)
    {
        Word(word);
        Text(table);
        Text(keyHash);
        Number(mtimeSeconds);
        Number(json.Length);
        EndLine();
        Raw(json);
    }

    private void Codes(ReadOnlySpan<byte> word, string serverCode, string projectCode)
    {
        Word(word);
        Text(serverCode);
        Text(projectCode);
        EndLine();
    }

    private void UvHead(ReadOnlySpan<byte> word, string name, long mtimeSeconds, ArtifactId hash, long size)
    {
        Word(word);
        Token(Encoding.UTF8.GetBytes(name));
        Number(mtimeSeconds);
        if (hash.IsEmpty) Raw(" -"u8);
        else Id(hash);
        Number(size);
    }

    private void Word(ReadOnlySpan<byte> word) => Raw(word);

    private void EndLine() => Raw("\n"u8);

    private void Token(ReadOnlySpan<byte> token)
    {
        Raw(" "u8);
        Raw(token);
    }

    private void Text(string text)
    {
        Raw(" "u8);
        XferText.Encode(Encoding.UTF8.GetBytes(text), this);
    }

    private void Id(ArtifactId id)
    {
        var target = output.GetSpan(1 + ArtifactId.HexLengthMax);
        target[0] = (byte)' ';
        Invariant.Require(id.TryWriteHex(target[1..], out var written));
        output.Advance(written + 1);
        BytesWritten += written + 1;
    }

    private void Number(long value)
    {
        var target = output.GetSpan(24);
        target[0] = (byte)' ';
        Invariant.Require(Utf8Formatter.TryFormat(value, target[1..], out var written));
        output.Advance(written + 1);
        BytesWritten += written + 1;
    }
}
