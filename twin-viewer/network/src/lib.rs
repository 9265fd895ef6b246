//! Brings the twin's streams to the viewer: a coalescing lane for values, a lossless one for alarms and commands.
