"""What spend should be, why it changed, and where it goes: pure rules over series and sums, without a session."""
