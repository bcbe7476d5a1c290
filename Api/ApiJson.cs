using System.Text.Json.Serialization;
using AspireJobs.Api.ApiKeys;
using AspireJobs.Api.Credentials;
using AspireJobs.Api.Http;
using AspireJobs.Api.Queues;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Jobs.Schedules;
using AspireJobs.Jobs.Webhooks;

namespace AspireJobs.Api;

/// <summary>Generated serializers of the API's own bodies; how they look is set by <see cref="JobsJson"/>'s options.</summary>
[JsonSerializable(typeof(Page<Job>))]
[JsonSerializable(typeof(Page<JobAttempt>))]
[JsonSerializable(typeof(Page<JobEvent>))]
[JsonSerializable(typeof(Page<Delivery>))]
[JsonSerializable(typeof(Page<CredentialInfo>))]
[JsonSerializable(typeof(Page<ApiKeyInfo>))]
[JsonSerializable(typeof(Page<Schedule>))]
[JsonSerializable(typeof(SchedulePlan))]
[JsonSerializable(typeof(Page<QueueState>))]
[JsonSerializable(typeof(Page<WorkerState>))]
[JsonSerializable(typeof(QueueSettings))]
[JsonSerializable(typeof(NewCredential))]
[JsonSerializable(typeof(NewApiKey))]
[JsonSerializable(typeof(ApiKeyChange))]
[JsonSerializable(typeof(CreatedApiKey))]
[JsonSerializable(typeof(WebhookSecretInfo))]
[JsonSerializable(typeof(IEnumerable<TargetGroup>))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
sealed partial class ApiJson : JsonSerializerContext;
