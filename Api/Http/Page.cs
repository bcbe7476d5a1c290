namespace AspireJobs.Api.Http;

/// <summary>A list as it stands in answers.</summary>
/// <param name="Items">The entries.</param>
/// <param name="Next">Where the next page begins: the value for the query parameter that this list pages by; absent on the last page.</param>
sealed record Page<T>(IReadOnlyList<T> Items, string? Next = null);
