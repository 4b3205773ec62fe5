using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>The endpoints that may be dialled, and when each is.</summary>
internal sealed class Contacts(EndpointId self, SyncOptions options, Prng prng)
{
    private const int KnownMax = 1024;

    private readonly Dictionary<EndpointId, Contact> _contacts = [];

    /// <summary>When the next one is to be dialled; null: none waits.</summary>
    public Instant? Deadline
    {
        get
        {
            Instant? deadline = null;
            foreach (var contact in _contacts.Values)
            {
                if (contact.IsIdle) deadline = Instant.Earlier(deadline, contact.DialAt);
            }

            return deadline;
        }
    }

    /// <summary>An endpoint is known from now on, and dialled at once.</summary>
    /// <param name="sessions">Connections with it.</param>
    public void Meet(Instant now, EndpointId peer, int sessions)
    {
        if (peer == self || _contacts.ContainsKey(peer) || _contacts.Count >= KnownMax) return;

        _contacts.Add(peer, new Contact { DialAt = now, Sessions = sessions });
    }

    public bool IsKnown(EndpointId peer) => _contacts.ContainsKey(peer);

    /// <summary>The next one that is due; it is being dialled from now on.</summary>
    public bool TryTakeDue(Instant now, [NotNullWhen(true)] out EndpointId? due)
    {
        due = null;
        foreach (var (peer, contact) in _contacts)
        {
            if (!contact.IsIdle || now < contact.DialAt) continue;

            contact.IsDialling = true;
            due = peer;
            return true;
        }

        return false;
    }

    public void OnDialFailed(Instant now, EndpointId peer)
    {
        if (_contacts.TryGetValue(peer, out var contact)) Postpone(now, contact);
    }

    public void OnConnected(EndpointId peer)
    {
        if (!_contacts.TryGetValue(peer, out var contact)) return;

        contact.IsDialling = false;
        contact.Sessions++;
    }

    /// <param name="wasLive">The peer had proved the passphrase, and said who it is.</param>
    public void OnClosed(Instant now, EndpointId peer, bool wasLive)
    {
        if (!_contacts.TryGetValue(peer, out var contact)) return;

        contact.Sessions--;
        if (wasLive) contact.Failures = 0;
        Postpone(now, contact);
    }

    // Doubling, with some chance so that two that lost each other do not dial in step.
    private void Postpone(Instant now, Contact contact)
    {
        var wait = options.RedialMin * Math.Pow(2, Math.Min(contact.Failures, 10));
        if (wait > options.RedialMax) wait = options.RedialMax;
        contact.Failures++;
        (contact.IsDialling, contact.DialAt) = (false, now + (wait * (0.75 + (prng.NextDouble() / 2))));
    }

    private sealed class Contact
    {
        public Instant DialAt { get; set; }

        public int Failures { get; set; }

        public bool IsDialling { get; set; }

        /// <summary>Connections with it.</summary>
        public int Sessions { get; set; }

        public bool IsIdle => !IsDialling && Sessions == 0;
    }
}
