namespace EdgeSync.Tests.Support;

/// <summary>A running server of either program. Disposing stops it.</summary>
internal interface IServer : IDisposable
{
    int Port { get; }

    string Url { get; }

    string UrlFor(string login, string password);
}
