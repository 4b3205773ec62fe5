using System.Buffers;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>The project that a request is about, for a server with several.</summary>
public static class RequestProject
{
    /// <summary>The code of the first pull or push card; null without one, as in a clone.</summary>
    /// <param name="front">A request, or the begin of one.</param>
    public static string? Of(ReadOnlySpan<byte> front)
    {
        var reader = new XferReader(front, isFinal: false, XferLimits.Default);
        while (reader.TryRead(out var card) == OperationStatus.Done)
        {
            if (ProjectCard.TryParse(card, out var project)) return project.ProjectCode;
        }

        return null;
    }
}
