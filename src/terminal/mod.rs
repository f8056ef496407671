//! The terminal itself: raw mode, keys, pacing, the loop.
