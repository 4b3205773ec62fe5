namespace EdgeSync.Node.Can.Agent;

/// <summary>The agent of a service; docs/can.md lists the keys.</summary>
internal sealed record AgentSettings
{
    /// <summary>The service, without a path; null: on this machine, at the port of the settings.</summary>
    public string? ServiceUrl { get; init; }

    /// <summary>After which the service is asked without an event of it.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where commands reach the agent, on this machine; null: nowhere.</summary>
    public int? Port { get; init; }

    /// <summary>What the agent keeps; null: a folder with the name of its settings.</summary>
    public string? Folder { get; init; }
}
