"""`guardian demo`: the product for somebody without a provider's key at hand; its provider answers on loopback."""
