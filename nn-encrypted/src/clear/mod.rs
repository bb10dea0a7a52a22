//! Floating-point training.
