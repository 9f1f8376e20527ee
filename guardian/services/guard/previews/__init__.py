"""Previews: what a rule would have done in the last 30 days, by playing it through again."""

from guardian.services.guard.previews.replaying import AlertPreview, Firing, described, preview_alert

__all__ = ["AlertPreview", "Firing", "described", "preview_alert"]
