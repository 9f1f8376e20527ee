"""The whole installation, for those who run it: its organizations, people, keys, mail, and how it runs.

Everything here crosses organizations, so every function asks for a right of the installation (`admin:read` or
`admin:update`), which no role in an organization gives.
"""
