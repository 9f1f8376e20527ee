"""From the journal into the ledger: the calls that the gateway and the front door for events have acknowledged."""
