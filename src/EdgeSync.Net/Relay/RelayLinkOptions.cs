using System.Net.Security;
using EdgeSync.Iroh.Relay;

namespace EdgeSync.Net.Relay;

/// <summary>How a relay is connected to.</summary>
public sealed record RelayLinkOptions
{
    /// <summary>Presented to the relay; null: none.</summary>
    public string? Token { get; init; }

    /// <summary>Instead of the system's check of the relay's certificate; null: the system's.</summary>
    public RemoteCertificateValidationCallback? CertificateCheck { get; init; }

    public RelayClientOptions Client { get; init; } = new();
}
