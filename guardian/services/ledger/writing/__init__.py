"""Into the ledger: what is stated or called becomes rows, each once, priced, and the rollups with them."""
