namespace EdgeSync.Tests.Support;

/// <summary>Rows of one argument for a test with a data source.</summary>
public sealed class TheoryData<T> : List<T>
{
    public TheoryData() { }

    public TheoryData(IEnumerable<T> rows) : base(rows) { }
}

/// <summary>Rows of two arguments.</summary>
public sealed class TheoryData<T1, T2> : List<(T1, T2)>
{
    public void Add(T1 first, T2 second) => Add((first, second));
}

/// <summary>Rows of three arguments.</summary>
public sealed class TheoryData<T1, T2, T3> : List<(T1, T2, T3)>
{
    public void Add(T1 first, T2 second, T3 third) => Add((first, second, third));
}
