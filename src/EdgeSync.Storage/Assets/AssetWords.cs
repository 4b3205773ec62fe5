using System.Globalization;
using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// What texts of assets are found by, over one connection: <c>asset_words</c> has the texts, and the triples of their
/// characters; <c>asset_pairs</c> has the single characters and the pairs, for texts that are shorter than a triple.
/// Changes run in a transaction of the caller.
/// <code>
/// asset_words   name, path, description, tags      FTS5, tokenizer trigram
/// asset_pairs   6f 66 6fx66                        FTS5 without contents, of "of": code points in hex, lower case
/// </code>
/// </summary>
/// <remarks>
/// An earlier program keeps <c>asset_words</c> alone. So each commit notes up to which change the pairs are right
/// (<see cref="Keep"/>), and when the index is opened behind another one, they are made again.
/// </remarks>
internal sealed class AssetWords(Database database)
{
    /// <summary>Shorter texts are in no triple.</summary>
    private const int TripleLength = 3;

    private const string PairsTable =
        "CREATE VIRTUAL TABLE asset_pairs USING fts5(pairs, content='', columnsize=0, detail=none, tokenize='ascii')";

    public static bool IsShort(string text) => text.EnumerateRunes().Count() < TripleLength;

    /// <summary>What <c>asset_pairs</c> is searched for.</summary>
    /// <param name="texts">Short ones, which must all occur.</param>
    public static string ShortQuery(IEnumerable<string> texts) => string.Join(' ', texts.Select(text =>
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        return $"\"{(runes.Length == 1 ? Token(runes[0]) : Token(runes[0], runes[1]))}\"";
    }));

    /// <summary>What <c>asset_words</c> is searched for.</summary>
    /// <param name="texts">Others, which must all occur.</param>
    public static string LongQuery(IEnumerable<string> texts) => string.Join(
        ' ', texts.Select(text => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));

    /// <summary>Makes the pairs again, unless they are right; in a transaction.</summary>
    /// <param name="lastChange">Of the index.</param>
    public void Open(long lastChange)
    {
        var isThere = database.QueryInt64("SELECT count(*) FROM sqlite_master WHERE name='asset_pairs'") > 0;
        if (isThere && database.QueryInt64("SELECT max(value) FROM state WHERE name='pairs'") == lastChange) return;

        if (isThere) ClearPairs();
        else database.Execute(PairsTable);
        using (var select = database.Prepare("SELECT rowid, name, path, description, tags FROM asset_words"))
        {
            while (select.Step()) AddPairs(select.Int64(0), PairsIn(select, 1));
        }

        Keep(lastChange);
    }

    /// <summary>Notes that the pairs are right up to a change.</summary>
    public void Keep(long lastChange)
    {
        using var replace = database.Prepare("REPLACE INTO state(name,value) VALUES('pairs',?1)");
        replace.Bind(1, lastChange).Run();
    }

    public void Add(long id, AssetDetails details)
    {
        if (details is { HumanFileName: null, HumanPath: null, Description: null, Tags.Count: 0 }) return;

        var tags = TagList.Join(details.Tags);
        using (var insert = database.Prepare(
            "INSERT INTO asset_words(rowid,name,path,description,tags) VALUES(?1,?2,?3,?4,?5)"))
        {
            insert.Bind(1, id).BindText(2, details.HumanFileName).BindText(3, details.HumanPath)
                .BindText(4, details.Description).BindText(5, tags).Run();
        }

        AddPairs(id, PairsIn(details.HumanFileName, details.HumanPath, details.Description, tags));
    }

    /// <summary>A table without contents is told what it had.</summary>
    public void Remove(long id)
    {
        string pairs;
        using (var select = database.Prepare("SELECT name, path, description, tags FROM asset_words WHERE rowid=?1"))
        {
            if (!select.Bind(1, id).Step()) return;

            pairs = PairsIn(select, 0);
        }

        using (var delete = database.Prepare("DELETE FROM asset_words WHERE rowid=?1")) delete.Bind(1, id).Run();
        using var forget = database.Prepare("INSERT INTO asset_pairs(asset_pairs,rowid,pairs) VALUES('delete',?1,?2)");
        forget.Bind(1, id).BindText(2, pairs).Run();
    }

    public void Clear()
    {
        database.Execute("DELETE FROM asset_words");
        ClearPairs();
    }

    private void ClearPairs() => database.Execute("INSERT INTO asset_pairs(asset_pairs) VALUES('delete-all')");

    private void AddPairs(long id, string pairs)
    {
        using var insert = database.Prepare("INSERT INTO asset_pairs(rowid,pairs) VALUES(?1,?2)");
        insert.Bind(1, id).BindText(2, pairs).Run();
    }

    private static string PairsIn(Statement row, int column) =>
        PairsIn(row.Text(column), row.Text(column + 1), row.Text(column + 2), row.Text(column + 3));

    private static string PairsIn(params ReadOnlySpan<string?> texts)
    {
        var tokens = new HashSet<(int First, int Second)>();
        var all = new StringBuilder();
        foreach (var text in texts)
        {
            Rune? before = null;
            foreach (var given in text.AsSpan().EnumerateRunes())
            {
                var rune = Lower(given);
                if (tokens.Add((rune.Value, -1))) all.Append(Token(rune)).Append(' ');
                if (before is { } first && tokens.Add((first.Value, rune.Value)))
                    all.Append(Token(first, rune)).Append(' ');
                before = rune;
            }
        }

        return all.ToString();
    }

    private static string Token(Rune one) => Lower(one).Value.ToString("x", CultureInfo.InvariantCulture);

    private static string Token(Rune one, Rune two) => Token(one) + "x" + Token(two);

    private static Rune Lower(Rune rune) => Rune.ToLowerInvariant(rune);
}
