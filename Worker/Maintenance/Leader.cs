using AspireJobs.Jobs;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Competes for the lead, and does the leader's duties while it has it. When it dies, another worker leads within seconds.</summary>
internal sealed class Leader(Leadership leadership, IEnumerable<IDuty> duties, WorkerId worker, TimeProvider time, ILogger<Leader> logger) : BackgroundService
{
    /// <summary>How often a leader renews its term, and another worker tries to begin one.</summary>
    static readonly TimeSpan Renewal = TimeSpan.FromSeconds(1);

    readonly List<Post> _posts = [.. duties.Select(duty => new Post(duty, new Outage(duty.Name, time, logger)))];
    readonly Outage _outage = new("competing for the lead", time, logger);
    bool _leads;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Traces.Suppress();
        using var tick = new PeriodicTimer(Renewal, time);
        try
        {
            do
            {
                if (await LeadAsync(stoppingToken))
                    await DoDutiesAsync(stoppingToken);
            }
            while (await tick.WaitForNextTickAsync(stoppingToken));
        }
        finally
        {
            if (_leads)
                await ResignAsync();
        }
    }

    async Task<bool> LeadAsync(CancellationToken stoppingToken)
    {
        var leads = false;
        try
        {
            leads = await leadership.LeadAsync(worker.Value, stoppingToken);
            _outage.Over();
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            _outage.Failed(e);
        }
        if (leads && !_leads)
            logger.LeaderElected(worker.Value);
        else if (!leads && _leads)
            logger.LeaderDeposed(worker.Value);
        return _leads = leads;
    }

    async Task DoDutiesAsync(CancellationToken stoppingToken)
    {
        foreach (var post in _posts.Where(post => post.DoneAt == 0 || time.GetElapsedTime(post.DoneAt) >= post.Duty.Every))
        {
            post.DoneAt = time.GetTimestamp();
            try
            {
                await post.Duty.DoAsync(stoppingToken);
                post.Outage.Over();
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // The other duties have nothing to do with it, and it is done again when it is due.
                post.Outage.Failed(e);
            }
        }
    }

    // So that another worker can lead at once.
    async Task ResignAsync()
    {
        using var patience = new CancellationTokenSource(Renewal, time);
        try
        {
            await leadership.ResignAsync(worker.Value, patience.Token);
        }
        catch (Exception e) when (e is OperationCanceledException || JobsDatabase.MayPass(e))
        {
            _outage.Failed(e);
        }
    }

    sealed class Post(IDuty duty, Outage outage)
    {
        public IDuty Duty => duty;
        public Outage Outage => outage;
        public long DoneAt { get; set; }
    }
}
