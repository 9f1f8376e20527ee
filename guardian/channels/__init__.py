"""Ways to reach a person or a system: deliver, or raise ChannelError."""
