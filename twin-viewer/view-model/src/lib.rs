//! What the twin shows, as values: the scene's objects, overlays, timeline, alarms and words. No Bevy, no network.
