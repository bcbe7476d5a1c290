namespace Aspire.Npgsql;

/// <summary>Settings of a PostgreSQL data source, bound from <c>Aspire:Npgsql</c> and <c>Aspire:Npgsql:{name}</c>.</summary>
public sealed class NpgsqlSettings
{
    /// <summary>The connection string; <c>ConnectionStrings:{name}</c> overrides the bound value.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Whether no health check is registered. Default: false.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Whether spans of commands are not collected. Default: false.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Whether metrics of commands and connections are not collected. Default: false.</summary>
    public bool DisableMetrics { get; set; }
}
