using EdgeSync.Storage;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class ProgramPagesTests
{
    [Test]
    public void Only_mappings_of_the_program_that_were_never_written_are_released()
    {
        string[] smaps =
        [
            .. Mapping("00400000-00405000 r--p 00000000 fe:00 53 /usr/bin/edge sync", dirty: 0),
            .. Mapping("00405000-0158a000 r-xp 00005000 fe:00 53   /usr/bin/edge sync", dirty: 0),
            .. Mapping("0201c000-0201e000 r--p 01c1b000 fe:00 53 /usr/bin/edge sync", dirty: 8),
            .. Mapping("0201e000-02bf1000 rw-p 01c1d000 fe:00 53 /usr/bin/edge sync", dirty: 604),
            .. Mapping("02bf1000-02c73000 rw-p 00000000 00:00 0", dirty: 204),
            .. Mapping("7f0000000000-7f0000100000 r-xp 00000000 fe:00 9 /usr/lib/libcrypto.so.3", dirty: 0),
        ];

        Assert.Equal(
            [(0x400000UL, 0x405000UL), (0x405000UL, 0x158a000UL)],
            ProgramPages.NeverWritten(smaps, "/usr/bin/edge sync"));
    }

    [Test]
    public void The_program_continues_without_its_pages()
    {
        MemoryTrimmer.TrimWhileIdle();

        Assert.NotEmpty(ProgramPages.NeverWritten(File.ReadLines("/proc/self/smaps"), Environment.ProcessPath!));
    }

    private static string[] Mapping(string head, int dirty) =>
        [head, "Size:                 20 kB", $"Private_Dirty: {dirty,9} kB", "VmFlags: rd mr mw me sd"];
}
