namespace EdgeSync.Tests.Support;

/// <summary>A file system of a few megabytes. Needs root, and is skipped without it.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    public string this[string name] => Path.Combine(_folder, name);

    public static SmallDisk Mount(string folder, int megabytes)
    {
        var mount = new ProgramStart("/bin/mount")
        {
            Arguments = ["-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder]
        };
        Skip.Unless(
            File.Exists("/bin/mount")
            && Environment.UserName == "root", "a small file system can be mounted by root only");
        var result = mount.Run();
        Skip.Unless(result.Succeeded, $"this machine lets even root mount nothing: {result.Errors.Trim()}");
        return new SmallDisk(folder);
    }

    public void Grow(int megabytes) =>
        new ProgramStart("/bin/mount")
        {
            Arguments = ["-o", $"remount,size={megabytes}m", _folder]
        }.Run().MustSucceed();

    public void MakeReadOnly() =>
        new ProgramStart("/bin/mount") { Arguments = ["-o", "remount,ro", _folder] }.Run().MustSucceed();

    public void Dispose() => new ProgramStart("/bin/umount") { Arguments = ["-l", _folder] }.Run();
}
