//! The state of the terminal program and how intents change it. Pure.
