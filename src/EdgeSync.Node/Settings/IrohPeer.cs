using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>Reads a peer of an iroh endpoint: its ticket, or its id alone.</summary>
internal static class IrohPeer
{
    public static bool TryParse(
        string text, [NotNullWhen(true)] out EndpointAddress? address, [NotNullWhen(false)] out string? fault)
    {
        fault = null;
        if (EndpointId.TryParse(text, out var id))
        {
            address = new EndpointAddress(id);
            return true;
        }

        fault = EndpointTicket.TryParse(text, out address) switch
        {
            TicketFault.None => null,
            TicketFault.Older => "the ticket is of an iroh before 1.0",
            TicketFault.Damaged => "the ticket is damaged: copy it again, all of it",
            TicketFault.Unsupported => "the ticket is of a newer version",
            _ => $"'{DisplayText.OneLine(text)}' is neither a ticket (endpoint…) nor an endpoint id (64 hex digits)",
        };
        return fault is null;
    }

    /// <exception cref="EdgeSyncException">Neither a ticket nor an id.</exception>
    public static EndpointAddress Parse(string text) => TryParse(text, out var address, out var fault)
        ? address
        : throw new EdgeSyncException(
            ErrorKind.Usage, fault, "'edgesync leaf --iroh' prints a ticket, 'edgesync iroh key' an id");
}
