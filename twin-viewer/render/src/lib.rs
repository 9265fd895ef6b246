//! How the scene is drawn: one flat material, per-instance values by tag, lights of day and night.
