//! `mcpdeck demo`: the first run without a key. Makes a workspace to look at and to change without a care.

pub mod workspace;
