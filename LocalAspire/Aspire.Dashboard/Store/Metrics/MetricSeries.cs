namespace Aspire.Dashboard.Store;

enum MetricKind { Counter, UpDown, Gauge, Histogram }

/// <summary>An instrument of one sender, with a time series for each set of attributes.</summary>
sealed class MetricInstrument(TelemetryScope scope, string name, MetricKind kind)
{
    public TelemetryScope Scope => scope;

    public TelemetryResource Resource => scope.Resource;

    public string Meter => scope.Name;

    public string Name => name;

    public MetricKind Kind => kind;

    public string Unit { get; set; } = "";

    public string Description { get; set; } = "";

    /// <summary>Whether series were turned away because there are too many.</summary>
    public bool Overflow { get; set; }

    public Dictionary<string, MetricSeries> Series { get; } = [];
}

sealed class MetricSeries(IReadOnlyList<KeyValuePair<string, string>> attributes, int maxPoints)
{
    const int KeptExemplars = 32;

    public IReadOnlyList<KeyValuePair<string, string>> Attributes => attributes;

    public MetricPoints Points { get; } = new(maxPoints);

    public Queue<MetricExemplar> Exemplars { get; } = new();

    /// <summary>Senders repeat an exemplar until they have a newer one.</summary>
    public void Add(MetricExemplar exemplar)
    {
        if (Exemplars.Contains(exemplar))
            return;
        Exemplars.Enqueue(exemplar);
        if (Exemplars.Count > KeptExemplars)
            Exemplars.Dequeue();
    }
}
