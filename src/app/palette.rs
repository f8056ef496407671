//! The command palette: a query, and the commands that fit it, best first.

/// The open palette.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    /// What was typed.
    pub query: String,
    /// The fitting rows, best first.
    pub rows: Vec<PaletteRow>,
    /// The marked row.
    pub marked: usize,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteRow {
    /// What it does.
    pub label: String,
    /// Its key or slash command.
    pub key: String,
    /// Character positions in the label that fit the query.
    pub hits: Vec<u32>,
}
