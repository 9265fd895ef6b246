//! The operator's panels.
