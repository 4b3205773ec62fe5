using BenchmarkDotNet.Attributes;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;

namespace EdgeSync.Benchmarks;

/// <summary>Delta codec on a manifest of 150 kB and on a source file of 60 kB.</summary>
[MemoryDiagnoser]
public class DeltaBenchmarks
{
    private byte[] _source = [];
    private byte[] _target = [];
    private byte[] _delta = [];
    private byte[] _room = [];
    private byte[] _made = [];

    [Params("manifest", "source", "unrelated")]
    public string Text { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        var prng = new Prng(1);
        _source = Text == "manifest" ? Samples.Manifest(prng) : Samples.Source(prng, 60_000);
        _target = Text == "unrelated" ? Samples.Source(prng, 60_000) : Samples.Edit(prng, _source, 6);
        _delta = DeltaEncoder.Encode(_source, _target);
        _room = new byte[DeltaEncoder.GetLengthMax(_target.Length)];
        _made = new byte[_target.Length];
    }

    [Benchmark]
    public int Encode() => DeltaEncoder.Encode(_source, _target, _room);

    [Benchmark]
    public bool Apply() => DeltaApplier.TryApply(_source, _delta, _made, out _);

    [Benchmark]
    public bool ApplyUnchecked() => DeltaApplier.TryApply(_source, _delta, _made, out _, verifyChecksum: false);
}
