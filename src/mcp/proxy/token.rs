//! A random token that opens a door, and how it is compared.
//!
//! Impure by its source of chance alone.

use std::fmt;

/// Random bytes in a token.
const BYTES: usize = 24;

/// The token of one door. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one, as hexadecimal digits.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub fn random() -> Result<Self, String> {
        let mut bytes = [0; BYTES];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| "the system gives no random numbers".to_owned())?;
        Ok(Self(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// One that was written down.
    pub fn known(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for the file and the URL that bring it to whoever may have it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the token; takes as long for a wrong one as for a nearly right one.
    pub fn is(&self, offered: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), offered.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(ours, theirs).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_alone_and_never_shown() {
        let token = Token::random().unwrap();
        let text = token.expose().to_owned();
        assert_eq!(text.len(), 2 * BYTES);
        assert!(token.is(&text));
        let longer = format!("{text}0");
        for wrong in ["", &text[1..], &longer, &text.to_uppercase()[..1]] {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert_ne!(token, Token::random().unwrap());
        assert!(!format!("{token:?}").contains(&text));
    }
}
