using EdgeSync.Agent.Messages;
using EdgeSync.Fossil.Sync;

namespace EdgeSync.Browser.Sync;

/// <summary>How a leaf in a page takes part in its project.</summary>
public sealed record LeafOptions
{
    /// <summary>This page's name among the nodes of the project.</summary>
    public required string NodeId { get; init; }

    /// <summary>The prefix of subjects, as the leaves and hubs have it.</summary>
    public string Prefix { get; init; } = "fossil";

    /// <summary>Pause between polls of peers that announce nothing.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The login at the repositories of peers; null: nobody's.</summary>
    public SyncLogin? Login { get; init; }

    /// <summary>The version of the program, for presence messages.</summary>
    public string Version { get; init; } = "dev";

    /// <summary>Local check-ins are sent.</summary>
    public bool Push { get; init; } = true;

    /// <summary>A session or clone without any progress for so long has failed.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromMinutes(2);

    internal ProjectSubjects SubjectsOf(string projectCode) => new(Prefix, projectCode);
}
