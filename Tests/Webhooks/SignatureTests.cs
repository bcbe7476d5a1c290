using System.Text;
using AspireJobs.Webhooks;

namespace AspireJobs.Tests.Webhooks;

public sealed class SignatureTests
{
    [Theory]
    [InlineData("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}""", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")]
    [InlineData("C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553, """{"email":"test@example.com","username":"test_user"}""", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=")]
    public void A_signature_is_what_Standard_Webhooks_says(string secret, string id, long timestamp, string body, string signature) =>
        Assert.Equal(signature, WebhookSignature.Sign(Convert.FromBase64String(secret), id, timestamp, Encoding.UTF8.GetBytes(body)));
}
