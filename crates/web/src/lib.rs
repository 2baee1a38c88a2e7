//! HTTP: turns requests into use cases and results into responses.

pub mod assets;
pub mod pages;
