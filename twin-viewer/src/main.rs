//! The 3D twin of a park on the control-room wall.

fn main() {}
