using System.Text;
using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// The default name of a node: the host's, and four digits that distinguish several nodes of one host and copied
/// machines. Stable, because peers address it and store it.
/// </summary>
internal static class NodeName
{
    private const string MachineId = "/etc/machine-id";

    public static string Of(NodeSettings settings, string role)
    {
        if (settings.Node.Name is { } name) return ProjectSubjects.PeerNameOf(name);

        var host = Environment.MachineName.Split('.')[0];
        // the folder of a host's one hub
        if (role == "hub" && settings.Repositories.Count == 0) return ProjectSubjects.PeerNameOf(host + "-hub");

        var what = settings.Repositories.Count > 0
            ? NodePaths.RealPathOf(settings.Repositories[0].Path)
            : string.Join(' ', settings.Bridge.Projects.Select(p => p.Code));
        var machine = File.Exists(MachineId) ? File.ReadAllText(MachineId) : "";
        var digits = Md5Hasher.Compute(Encoding.UTF8.GetBytes($"{machine}\n{what}")).ToString()[..4];
        return ProjectSubjects.PeerNameOf(role == "hub" ? $"{host}-hub-{digits}" : $"{host}-{digits}");
    }
}
