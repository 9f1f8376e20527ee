"""The ledger as files, streamed: `usage` in our own columns, and spend as `focus` (FOCUS 1.2).

Nothing is imported here: who reads our CSV needs its columns, and not the 60 MB that Arrow takes.
"""
