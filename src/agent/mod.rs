//! The agent: one turn as a machine, the transcript it writes, and the model behind it.

pub mod model;
pub mod prompt;
pub mod summary;
pub mod transcript;
pub mod turn;
pub mod window;
