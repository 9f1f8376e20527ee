"""What RQ runs: open a session, call one service, name the next job."""
