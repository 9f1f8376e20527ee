"""A provider on loopback that answers as OpenAI and Anthropic do: calls, streams, usage and cost reports, names."""
