//! trunkcastd.
fn main() {}
