using AspireJobs.Jobs;

namespace AspireJobs.Tests.Jobs;

public sealed class GitAddressTests
{
    [Theory]
    [InlineData("https://host/team/play.git", "../role.git", "https://host/team/role.git")]
    [InlineData("https://host/team/play.git/", "../../role.git", "https://host/role.git")]
    [InlineData("https://host/team/play.git", "./../role.git", "https://host/team/role.git")]
    [InlineData("https://host/play.git", "./role", "https://host/play.git/role")]
    [InlineData("https://host/team/a:b.git", "../role.git", "https://host/team/role.git")]
    [InlineData("https://host:8443/play.git", "../../22/x", "https://22/x")]
    [InlineData("git@host:team/play.git", "../role.git", "git@host:team/role.git")]
    [InlineData("git@host:team/play.git", "../../role.git", "git@host:role.git")]
    [InlineData("git@host:play.git", "../role.git", "git@host:role.git")]
    [InlineData("https://host/team/play.git", "https://other/role.git", "https://other/role.git")]
    public void The_address_of_a_submodule_means_what_it_means_to_git(string repository, string written, string meant)
    {
        Assert.True(GitAddress.TryParse(repository, out var address));

        Assert.Equal(meant, address.Resolve(written));
    }
}
