//! Text on its way out: cleaning what others wrote, wrapping it by graphemes and columns, and human sizes.
