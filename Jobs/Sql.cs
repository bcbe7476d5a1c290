using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>Positional parameters (<c>$1</c>, <c>$2</c> …) without ceremony.</summary>
static class Sql
{
    /// <remarks>A lone array of strings has to be cast to object, or its elements become the parameters.</remarks>
    public static NpgsqlCommand Command(this NpgsqlDataSource db, string sql, params ReadOnlySpan<object?> values)
    {
        var command = db.CreateCommand(sql);
        Add(command.Parameters, values);
        return command;
    }

    /// <summary>A command in the transaction of a connection.</summary>
    public static NpgsqlCommand Command(this NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        Add(command.Parameters, values);
        return command;
    }

    /// <summary>One of several commands that share a round trip and a transaction.</summary>
    public static NpgsqlBatchCommand BatchCommand(string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        Add(command.Parameters, values);
        return command;
    }

    static void Add(NpgsqlParameterCollection parameters, ReadOnlySpan<object?> values)
    {
        foreach (var value in values)
            parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
    }

    public static async Task<List<T>> QueryAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAllAsync(read, cancellationToken);
        }
    }

    public static async Task<List<T>> ReadAllAsync<T>(this NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }

    public static async Task<int> ExecuteAsync(this NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using (command)
            return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<long> CountAsync(this NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using (command)
            return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public static T? Nullable<T>(this NpgsqlDataReader reader, int column) where T : struct =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);

    public static string? Text(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);
}
