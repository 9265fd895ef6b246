//! The park as entities and meshes; knows no material and no adapter.
