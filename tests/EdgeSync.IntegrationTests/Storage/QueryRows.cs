using EdgeSync.Storage.Sqlite;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>The rows of a query, each value in its type.</summary>
internal static class QueryRows
{
    public static IEnumerable<object?[]> Read(Database database, string sql)
    {
        using var select = database.PrepareOnce(sql);
        while (select.Step())
        {
            var row = new object?[select.ColumnCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = select.ColumnType(i) switch
                {
                    SqliteType.Integer => select.Int64(i),
                    SqliteType.Real => select.Double(i),
                    SqliteType.Text => select.Text(i),
                    SqliteType.Blob => select.Bytes(i).ToArray(),
                    _ => null,
                };
            }

            yield return row;
        }
    }
}
