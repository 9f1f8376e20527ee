"""What spend should be, why it changed, and where it goes: pure rules, and the readings of the ledger they work on."""
