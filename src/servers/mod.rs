//! The MCP servers that the binary carries. They import nothing of the layers above; only `cli::serve` starts them.

pub mod scripted;
