"""The director: accepts jobs for a cluster, queues them, and archives what comes back."""
