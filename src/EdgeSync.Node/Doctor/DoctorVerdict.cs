using EdgeSync.Node.Status;

namespace EdgeSync.Node.Doctor;

/// <summary>Short names for the three results of a check.</summary>
internal static class DoctorVerdict
{
    public static NodeCheck Ok(string name, string? detail = null) => new(name, CheckState.Ok, detail);

    public static NodeCheck Warn(string name, string detail, string? hint = null) =>
        new(name, CheckState.Warning, detail, hint);

    public static NodeCheck Fail(string name, string detail, string? hint = null) =>
        new(name, CheckState.Failed, detail, hint);
}
