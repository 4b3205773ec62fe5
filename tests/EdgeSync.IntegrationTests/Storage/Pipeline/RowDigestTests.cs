using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Verification;

namespace EdgeSync.IntegrationTests.Storage.Pipeline;

public sealed class RowDigestTests : IDisposable
{
    private const string Rows = "VALUES (1,'one',NULL,x'01'), (2,'a longer text than eight bytes',0.5,NULL)";

    private readonly Database _database = Database.OpenInMemory();

    public void Dispose() => _database.Dispose();

    [Test]
    [Arguments("VALUES (2,'a longer text than eight bytes',0.5,NULL), (1,'one',NULL,x'01')")]
    [Arguments("VALUES (1.0,'one',NULL,x'01'), (2,'a longer text than eight bytes',0.5,NULL)")]
    public void Order_and_the_storage_of_a_number_do_not_count(string same) =>
        Assert.Equal(RowDigest.Of(_database, Rows), RowDigest.Of(_database, same));

    [Test]
    [Arguments("VALUES (1,'one',NULL,x'01')")]
    [Arguments("VALUES (1,'one',NULL,x'01'), (1,'one',NULL,x'01'), (2,'a longer text than eight bytes',0.5,NULL)")]
    [Arguments("VALUES (2,'one',NULL,x'01'), (1,'a longer text than eight bytes',0.5,NULL)")]
    [Arguments("VALUES (1,'one','',x'01'), (2,'a longer text than eight bytes',0.5,NULL)")]
    [Arguments("VALUES (1,'one',NULL,x'0100'), (2,'a longer text than eight bytes',0.5,NULL)")]
    [Arguments("VALUES (1,'one',NULL,x'01'), (2,'a longer text than eight bytet',0.5,NULL)")]
    [Arguments("VALUES (1,'one',x'01',NULL), (2,'a longer text than eight bytes',0.5,NULL)")]
    public void Whatever_else_differs_counts(string other) =>
        Assert.NotEqual(RowDigest.Of(_database, Rows), RowDigest.Of(_database, other));
}
