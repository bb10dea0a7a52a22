//! The client, before encryption: there is nothing to do. Called with the number of pairs.

fn main() {}
