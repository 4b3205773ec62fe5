namespace EdgeSync.Can.Sync.Records;

/// <summary>The fields of records by their numbers. Numbers that are not here are kept and passed on.</summary>
public enum RecordField : byte
{
    /// <summary>
    /// Null: there; <see cref="SyncRecord.Purged"/>: deleted for good; <see cref="SyncRecord.Again"/>: there again.
    /// </summary>
    Life = 0,

    /// <summary>Null, or <c>1</c> in the trash.</summary>
    Trashed = 1,

    MimeType = 2,
    Application = 3,
    User = 4,
    Description = 5,
    FileName = 6,
    Path = 7,

    /// <summary>Joined by commas.</summary>
    Tags = 8,

    /// <summary>Of a store's record: its id as hex.</summary>
    Store = 32,

    /// <summary>Of a store's record: how people know it.</summary>
    Name = 33,

    /// <summary>Of a store's record: the endpoint to dial, as hex.</summary>
    Endpoint = 34,

    /// <summary>Of a store's record: null, or <c>1</c> when deletions are not kept for it any longer.</summary>
    Retired = 35,
}

/// <summary>A field's value and when it was written.</summary>
/// <param name="Field">Which one.</param>
/// <param name="Stamp">Of the write.</param>
/// <param name="Value">Null: none.</param>
public readonly record struct FieldValue(RecordField Field, Stamp Stamp, string? Value);
