"""Places, where workers live: processes of this machine, threads of this process, or actors of a Ray cluster."""
