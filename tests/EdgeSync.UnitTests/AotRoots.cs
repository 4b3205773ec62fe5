using System.Runtime.CompilerServices;
using System.Text.Json;
using EdgeSync.Agent;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using Xunit.Sdk;

namespace EdgeSync.UnitTests;

/// <summary>
/// Assertions compare collections by a method that they make for the element's type at run time. Native AOT has code
/// for a value type only where the program names it, which is what this does (docs/TESTING.md).
/// </summary>
internal static class AotRoots
{
    [ModuleInitializer]
    internal static void NameElementTypes()
    {
        Track<byte>();
        Track<bool>();
        Track<char>();
        Track<int>();
        Track<long>();
        Track<uint>();
        Track<ulong>();
        Track<ArtifactId>();
        Track<RecordId>();
        Track<UnversionedEntry>();
        Track<SyncedRowEntry>();
        Track<AgentLogLevel>();
        Track<JsonElement>();
        Track<(string, string)>();
        Track<KeyValuePair<string, string>>();
        Track<KeyValuePair<string, int>>();
        Track<KeyValuePair<string, PeerMark>>();
    }

    private static void Track<T>()
    {
        var none = Array.Empty<T>();
        CollectionTrackerExtensions.AsTracker(none).Dispose();
        // Never run: it names the comparer of single elements.
        if (none.Length > 0) Assert.Equal(none[0], none[^1]);
    }
}
