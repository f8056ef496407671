//! The stages of an opportunity, and how probable each is when nobody says otherwise. Pure.

/// The stages in their order.
pub const STAGES: [&str; 6] = [
    "prospecting",
    "qualification",
    "proposal",
    "negotiation",
    "won",
    "lost",
];

/// The same where the word may be left out.
pub const MAYBE_STAGES: [Option<&str>; 7] = [
    Some("prospecting"),
    Some("qualification"),
    Some("proposal"),
    Some("negotiation"),
    Some("won"),
    Some("lost"),
    None,
];

/// The percentage that a stage stands for.
pub fn probability(stage: &str) -> i64 {
    match stage {
        "qualification" => 40,
        "proposal" => 60,
        "negotiation" => 80,
        "won" => 100,
        "lost" => 0,
        _ => 25,
    }
}

/// Whether the outcome is still to come.
pub fn is_open(stage: &str) -> bool {
    !matches!(stage, "won" | "lost")
}

/// The place of a stage in the order.
pub fn place(stage: &str) -> usize {
    STAGES
        .iter()
        .position(|known| *known == stage)
        .unwrap_or(STAGES.len())
}
