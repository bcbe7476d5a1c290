using System.Text.Json.Serialization;
using AspireJobs.Api.ApiKeys;
using AspireJobs.Api.Credentials;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Jobs.Webhooks;

namespace AspireJobs.Api;

/// <summary>Generated serializers of the API's own bodies; how they look is set by <see cref="JobsJson"/>'s options.</summary>
[JsonSerializable(typeof(Page<Job>))]
[JsonSerializable(typeof(Page<JobAttempt>))]
[JsonSerializable(typeof(Page<JobEvent>))]
[JsonSerializable(typeof(Page<Delivery>))]
[JsonSerializable(typeof(Page<CredentialInfo>))]
[JsonSerializable(typeof(Page<ApiKeyInfo>))]
[JsonSerializable(typeof(NewCredential))]
[JsonSerializable(typeof(NewApiKey))]
[JsonSerializable(typeof(CreatedApiKey))]
[JsonSerializable(typeof(WebhookSecretInfo))]
[JsonSerializable(typeof(IEnumerable<TargetGroup>))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
sealed partial class ApiJson : JsonSerializerContext;
