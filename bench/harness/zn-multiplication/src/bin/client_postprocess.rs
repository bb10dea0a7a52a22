//! The client, after decryption: there is nothing left to do. Called with the name of the test and the number of pairs.

fn main() {}
