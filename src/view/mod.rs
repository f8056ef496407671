//! State to frame. Pure: decides nothing, remembers nothing.
