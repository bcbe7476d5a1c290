using System.Net;
using AspireJobs.Webhooks;
using Microsoft.Extensions.Options;

namespace AspireJobs.Tests.Webhooks;

public sealed class TargetAddressTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.0.0.1")]
    [InlineData("172.16.0.1")]
    [InlineData("192.168.1.1")]
    [InlineData("169.254.169.254")]
    [InlineData("100.64.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::1")]
    [InlineData("::")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("fe80::1")]
    [InlineData("fd00::1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2002:7f00:1::")]
    public void An_address_that_is_not_public_is_not_called(string address) => Assert.False(Guard().IsAllowed(IPAddress.Parse(address)));

    [Theory]
    [InlineData("93.184.216.34")]
    [InlineData("2606:2800:220:1:248:1893:25c8:1946")]
    public void A_public_address_is(string address) => Assert.True(Guard().IsAllowed(IPAddress.Parse(address)));

    [Fact]
    public void The_operator_can_allow_networks_also_in_mapped_form()
    {
        var guard = Guard("10.1.0.0/16");

        Assert.True(guard.IsAllowed(IPAddress.Parse("10.1.2.3")));
        Assert.True(guard.IsAllowed(IPAddress.Parse("::ffff:10.1.2.3")));
        Assert.False(guard.IsAllowed(IPAddress.Parse("10.2.0.1")));
    }

    static TargetAddressGuard Guard(params string[] allowed) => new(Options.Create(new WebhooksOptions { AllowedNetworks = allowed }));
}
