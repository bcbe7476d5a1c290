namespace Aspire.Dashboard.Store;

/// <summary>How many items of a request were not kept, and why the first of them was not.</summary>
sealed class IngestResult
{
    public long Rejected { get; private set; }

    public string? Reason { get; private set; }

    public void Reject(long count, string reason)
    {
        Rejected += count;
        Reason ??= reason;
    }
}
