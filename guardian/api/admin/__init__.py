"""admin: the installation, for those who run it: organizations, people, keys, mail, queues, and how it runs."""

from guardian.api.admin import organizations, queues, running, users

ROUTERS = (organizations.api, users.api, queues.api, running.api)
