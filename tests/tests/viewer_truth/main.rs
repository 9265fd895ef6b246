//! What the viewer shows is what the services say: read back from what a person or a screen reader gets of it, at random
//! moments, and compared with what the twin and the ledger answer to somebody else who asks for the same moment.
//!
//! - `panels`: what the panels write, from the accessibility tree
//! - `pixels`: the colours of the assets in rendered pictures, read through the legend of the same picture
//! - `cuts`: the same across a cut network, a frozen one, and a server that is killed
//! - `said`: what the services say
//! - `program`: the viewer as a process that is asked for pictures; `image`: their pixels; `wire`: a network that can be cut

mod cuts;
mod image;
mod panels;
mod pixels;
mod program;
mod said;
mod wire;
