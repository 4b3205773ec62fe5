using EdgeSync.Node.Daemon;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Mesh;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.Node.Host;

/// <summary>
/// The node of one repository on this machine, as <c>edgesync up</c> and <c>edgesync join</c> set it up: settings, key
/// and logins are files in the state folder, so that each start is the same node. Runs as an ordinary leaf.
/// </summary>
public sealed class SavedNode : ISettingArguments
{
    /// <param name="repository">Path of the repository; it need not exist yet.</param>
    public SavedNode(string repository)
        : this(new NodeFolder(repository))
    {
    }

    internal SavedNode(NodeFolder folder) => Folder = folder;

    internal NodeFolder Folder { get; }

    internal SettingsLoader Loader => new(this, NodeFlags.Common) { RepositoryVariable = "EDGESYNC_NO_VARIABLE" };

    /// <summary>Path of the settings file; <c>edgesync leaf --config</c> takes it too.</summary>
    public string SettingsFile => Folder.SettingsFile;

    /// <summary>False before <see cref="Prepare"/> or <see cref="JoinAsync"/>.</summary>
    public bool Exists => Folder.Exists;

    /// <summary>It joined another machine's node; other machines cannot join it.</summary>
    public bool IsJoined => Folder.IsJoined;

    /// <summary>The node's name among its peers.</summary>
    /// <exception cref="EdgeSyncException">NotFound: it does not exist.</exception>
    public string NodeId => NodeName.Of(Load(), "leaf");

    /// <summary>Its settings, for <see cref="NodeHost.StartAsync"/>.</summary>
    /// <exception cref="EdgeSyncException">NotFound: it does not exist. Usage: the file was edited, and is
    /// wrong.</exception>
    public NodeSettings Load() => Loader.Load().Settings;

    /// <summary>
    /// Creates key and settings of a node that other machines can join; nothing happens when it exists. HTTP is served
    /// on loopback, HTTPS and leafnodes on every address, on the usual ports where they are free.
    /// </summary>
    /// <exception cref="EdgeSyncException">System: the state folder cannot be written.</exception>
    public void Prepare() => Folder.PrepareUp();

    /// <summary>
    /// Turns the iroh endpoint of the node on, so that join codes work where no port of this machine can be reached.
    /// Relays and discovery that <c>LEAF_IROH_*</c> name are kept in its settings.
    /// </summary>
    /// <exception cref="EdgeSyncException">System: the state folder cannot be written.</exception>
    public void EnableIroh() => Folder.EnableIroh(EndpointSettings.OfEnvironment());

    /// <summary>A new join code for one more machine: it works once, and gives that machine a login of its
    /// own.</summary>
    /// <param name="timeToLive">How long the code can be used.</param>
    /// <returns>Lower-case letters and digits, about 210 characters.</returns>
    /// <exception cref="EdgeSyncException">Usage: this node joined another one. NotFound: there is no
    /// repository.</exception>
    public string CreateJoinCode(TimeSpan timeToLive)
    {
        var options = RepositoryOptions.Default with { Journal = Storage.Sqlite.DatabaseJournal.AsFound };
        using var repository = Repository.Open(Load().Repositories[0].Path, options);
        return MakeCode(repository, timeToLive, JoinTokenStore.Capabilities, login: null).Encode();
    }

    /// <summary>
    /// Redeems a join code for a login and saves the node that uses it; <see cref="NodeHost.StartAsync"/> then clones
    /// the project. Only the node with the key in the code is trusted.
    /// </summary>
    /// <param name="code">What <c>edgesync up</c> printed, or <see cref="CreateJoinCode"/> returned.</param>
    /// <param name="repository">
    /// Path of the file to create. With a code that was used for it already, nothing happens. With another code of the
    /// same project, the login is replaced and the file is kept: so a machine whose login was removed joins again.
    /// </param>
    /// <exception cref="EdgeSyncException">
    /// Usage: not a join code. Conflict: the file, or another node for it, exists. Denied: the node has another key, or
    /// the code was used or has expired. Unavailable: no address of the code answers.
    /// </exception>
    public static Task<SavedNode> JoinAsync(
        string code, string repository, CancellationToken cancellationToken) =>
        RedeemAsync(ParseCode(code), repository, TimeProvider.System, cancellationToken);

    internal static async Task<SavedNode> RedeemAsync(
        JoinCode code, string repository, TimeProvider clock, CancellationToken cancellationToken)
    {
        var folder = new NodeFolder(repository);
        if (folder.HasJoinedBy(code)) return new SavedNode(folder);
        var isRenewal = folder.IsJoined
            && new SavedNode(folder).Load().Repositories[0].ProjectCode == code.ProjectCode;
        if ((File.Exists(repository) || folder.Exists) && !isRenewal)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{repository} is there already",
                $"edgesync up {repository}, to continue with it; or edgesync join CODE PATH");

        var machine = NodeName.Of(
            new NodeSettings { Repositories = [new RepositorySettings { Path = repository }] }, "leaf");
        var (host, answer) = await AskAsync(code, machine, folder, clock, cancellationToken);
        if (answer.ProjectCode != code.ProjectCode)
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                $"the node has the project {answer.ProjectCode}, and the code is of {code.ProjectCode}",
                "edgesync repo invite, on the other machine, prints a new code");

        folder.WriteJoined(
            code, host, answer, PasswordHash.Compute(answer.ProjectCode, answer.Login, answer.Password),
            code.Ticket is { } ticket ? EndpointSettings.OfJoined(ticket) : new IrohSection());
        return new SavedNode(folder);
    }

    // Over HTTPS, or where no address of the code answers over iroh.
    private static async Task<(string? Host, JoinAnswer Answer)> AskAsync(
        JoinCode code, string machine, NodeFolder folder, TimeProvider clock, CancellationToken cancellationToken)
    {
        string? endpoint = null;
        if (code.Ticket is not null)
        {
            using var key = EndpointKeyFile.Ensure(folder.EndpointKeyFile);
            endpoint = key.Id.ToString();
        }

        try
        {
            return await JoinClient.RedeemAsync(
                code, new JoinRequest(code.Token, machine, endpoint), clock, cancellationToken);
        }
        catch (EdgeSyncException e) when (code.Ticket is not null && IsOfAnotherMachine(e))
        {
            return (
                null,
                await JoinOverIroh.RedeemAsync(code, machine, folder.EndpointKeyFile, clock, cancellationToken));
        }
    }

    // No machine answers; or another does, which has the same private address in this network.
    private static bool IsOfAnotherMachine(EdgeSyncException e) =>
        e.Kind == ErrorKind.Unavailable || e.InnerException is HttpRequestException;

    /// <exception cref="EdgeSyncException">Usage: it is not a join code, damaged, or of a newer version.</exception>
    internal static JoinCode ParseCode(string text) => JoinCode.TryParse(text, out var code) switch
    {
        JoinCodeFault.None => code!,
        JoinCodeFault.Newer =>
            throw new EdgeSyncException(
                ErrorKind.Usage, "the join code is of a newer version of edgesync",
                "edgesync version, on both machines"),
        JoinCodeFault.Damaged =>
            throw new EdgeSyncException(
                ErrorKind.Usage, "the join code is damaged: characters are missing or changed",
                "copy the whole line that 'edgesync up' printed"),
        _ =>
            throw new EdgeSyncException(
                ErrorKind.Usage, "this is not a join code: one begins with esj",
                "edgesync up, on the other machine, prints one"),
    };

    /// <param name="repository">The repository's file, opened for writing.</param>
    /// <param name="timeToLive">How long the code can be used.</param>
    /// <param name="capabilities">Of the login that it becomes.</param>
    /// <param name="login">Its name; null: the machine's.</param>
    /// <exception cref="EdgeSyncException">Other machines cannot reach this node.</exception>
    internal JoinCode MakeCode(Repository repository, TimeSpan timeToLive, string capabilities, string? login)
    {
        if (Folder.ServerKey is not { } key || Load() is not { Http.TlsListen: { } secure } settings)
            throw new EdgeSyncException(
                ErrorKind.Usage, "this node joined another one; other machines cannot join it",
                "edgesync repo invite, on the machine where 'edgesync up' runs");

        var (token, expires) = repository.JoinTokens.Create(timeToLive, capabilities, login);
        return new JoinCode(
            ReachableAddress.OwnHosts(), ListenAddress.Parse(secure).Port, settings.Nats.LeafPort,
            repository.ProjectCode, token, expires, key,
            Path.GetFileNameWithoutExtension(repository.Path))
        {
            Ticket = settings.Iroh.Enabled ? EndpointSettings.TicketOf(settings, ReachableAddress.OwnHosts()) : null,
        };
    }

    string ISettingArguments.File => SettingsFile;

    byte[] ISettingArguments.ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist", "edgesync up REPO", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new EdgeSyncException(
                ErrorKind.System, $"{path} cannot be read: permission denied", "check its permissions", e);
        }
    }

    SettingInput? ISettingArguments.ValueOf(SettingFlag flag) => null;
}
