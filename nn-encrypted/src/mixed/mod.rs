//! Networks whose layers run in different schemes: exact products in BGV, tables in TFHE, bridges between them.

pub mod linear;
