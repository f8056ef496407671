//! Carries out the host's effects and answers with events.
