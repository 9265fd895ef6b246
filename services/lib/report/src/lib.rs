//! A statement on paper.
