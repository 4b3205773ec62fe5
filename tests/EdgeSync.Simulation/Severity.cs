namespace EdgeSync.Simulation;

/// <summary>How bad the world is.</summary>
internal enum Severity
{
    /// <summary>Messages take their time, nothing else.</summary>
    Normal,

    /// <summary>
    /// One message in ten is lost; some are doubled or cut; links break; the engine's fault sites strike.
    /// </summary>
    Adversarial,

    /// <summary>One in five is lost, and programs die in the middle of a step.</summary>
    Hostile,
}

/// <summary>Probabilities of one severity.</summary>
internal sealed record Weather(
    double Drop, double Duplicate, double Truncate, double Partition, double Crash, double SiteActive,
    double SiteStrike)
{
    public static Weather Of(Severity severity) => severity switch
    {
        Severity.Normal => new Weather(0, 0, 0, 0, 0, 0, 0),
        Severity.Adversarial => new Weather(0.10, 0.05, 0.04, 0.10, 0, 0.4, 0.05),
        _ => new Weather(0.20, 0.08, 0.08, 0.20, 0.06, 0.6, 0.10),
    };
}
