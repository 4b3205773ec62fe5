namespace EdgeSync.Browser.Wasm;

/// <summary>The worker calls the exports of <see cref="PageExports"/>: there is nothing to do at the start.</summary>
internal static class Program
{
    private static int Main() => 0;
}
