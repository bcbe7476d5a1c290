using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LocalAspire;

/// <summary>Healthy when the server takes the password and answers PING.</summary>
sealed class RedisPing(RedisResource redis) : IHealthCheck
{
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Limit);
        try
        {
            var password = redis.PasswordParameter is null ? null : await redis.PasswordParameter.GetValueAsync(timeout.Token);
            using var client = new TcpClient();
            await client.ConnectAsync(redis.PrimaryEndpoint.Host, redis.PrimaryEndpoint.Port, timeout.Token);
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII);
            if (password is not null && await AskAsync(stream, reader, ["AUTH", password], timeout.Token) is var granted and not "+OK")
                return HealthCheckResult.Unhealthy($"Redis refused the password: {granted}");

            var answer = await AskAsync(stream, reader, ["PING"], timeout.Token);
            return answer == "+PONG" ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"Redis answered PING with: {answer}");
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return HealthCheckResult.Unhealthy($"Redis cannot be reached: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"Redis did not answer within {Limit.TotalSeconds} s.");
        }
    }

    // An array of bulk strings, as the Redis serialization protocol has it: *1\r\n$4\r\nPING\r\n
    static async Task<string?> AskAsync(NetworkStream stream, StreamReader reader, string[] words, CancellationToken cancellationToken)
    {
        var command = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (var word in words)
            command.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(command.ToString()), cancellationToken);
        return await reader.ReadLineAsync(cancellationToken);
    }
}
