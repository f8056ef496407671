//! The last things on the wire, bounded. (The full form is being built elsewhere.)

use crate::mcp::wire::record::WireRecord;

/// A bounded ring of records.
#[derive(Debug, Clone, Default)]
pub struct WireLog {
    records: std::collections::VecDeque<WireRecord>,
}

impl WireLog {
    /// Adds a record.
    pub fn push(&mut self, record: WireRecord) {
        if self.records.len() == 4096 {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    /// The records, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &WireRecord> {
        self.records.iter()
    }
}
