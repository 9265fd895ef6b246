//! The live state of a park as points with values: what every asset is doing, now or at any past moment.
