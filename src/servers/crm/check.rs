//! Checks of what a call gives, and of what it points at: each complaint names the field and what would be right.
//!
//! Schemas have bounded the lengths already; here is what a schema cannot say.

use crate::servers::crm::fold::tidy;
use crate::servers::crm::store::{Cell, Fault, Session};
use crate::servers::nearest::nearest;
use crate::servers::toolbox::Refusal;

/// What a contact can be.
pub const STATUSES: [&str; 5] = ["lead", "prospect", "customer", "supplier", "inactive"];

/// The kinds of activities.
pub const KINDS: [&str; 4] = ["call", "meeting", "email", "note"];

/// The same where the word may be left out.
pub const MAYBE_STATUSES: [Option<&str>; 6] = [
    Some("lead"),
    Some("prospect"),
    Some("customer"),
    Some("supplier"),
    Some("inactive"),
    None,
];

/// A text of one line, tidied.
///
/// # Errors
/// Nothing is left of it, or it has control characters.
pub fn line(field: &str, text: &str) -> Result<String, Refusal> {
    let tidied = tidy(text);
    if tidied.is_empty() {
        return Err(Refusal(format!("`{field}` is empty.")));
    }
    if tidied.chars().any(char::is_control) {
        return Err(Refusal(format!("`{field}` has control characters in it.")));
    }
    Ok(tidied)
}

/// The same, if it is given at all.
///
/// # Errors
/// It has control characters.
pub fn maybe_line(field: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    text.filter(|text| !text.trim().is_empty())
        .map(|text| line(field, text))
        .transpose()
}

/// A text of any number of lines, as it was written.
///
/// # Errors
/// Nothing but spaces, or a NUL, which not every engine keeps.
pub fn body(field: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim_end();
    if text.trim().is_empty() {
        return Err(Refusal(format!("`{field}` is empty.")));
    }
    if text.contains('\0') {
        return Err(Refusal(format!("`{field}` has a NUL character in it.")));
    }
    Ok(text.to_owned())
}

/// The same, if it is given at all.
///
/// # Errors
/// It has a NUL.
pub fn maybe_body(field: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    text.filter(|text| !text.trim().is_empty())
        .map(|text| body(field, text))
        .transpose()
}

/// One of the words of a list.
///
/// # Errors
/// Another word; the nearest of the list is named.
pub fn word<'w>(field: &str, given: &str, known: &[&'w str]) -> Result<&'w str, Refusal> {
    let wanted = given.trim().to_lowercase();
    if let Some(found) = known.iter().find(|word| **word == wanted) {
        return Ok(found);
    }
    let near = nearest(&wanted, known.iter().copied());
    let near = near
        .map(|word| format!(" Did you mean `{word}`?"))
        .unwrap_or_default();
    Err(Refusal(format!(
        "`{field}`: `{given}` is not known.{near} It is one of: {}.",
        known.join(", ")
    )))
}

/// An address for e-mail: not more is checked than that it has the form of one.
///
/// # Errors
/// What is missing.
pub fn email(given: &str) -> Result<String, Refusal> {
    let address = tidy(given);
    let why = match address.split_once('@') {
        _ if address.chars().any(|c| c.is_whitespace() || c.is_control()) => "it has a space in it",
        None => "it has no @",
        Some((_, domain)) if domain.contains('@') => "it has more than one @",
        Some(("", _)) => "nothing is before the @",
        Some((_, domain)) if !domain.contains('.') || domain.split('.').any(str::is_empty) => {
            "what follows the @ is no domain"
        }
        Some(_) => return Ok(address),
    };
    Err(Refusal(format!(
        "`email`: `{address}` is no address: {why}. Write it like name@example.com."
    )))
}

/// Holds that a contact is there; gives its name.
///
/// # Errors
/// There is none with this number.
pub fn contact(session: &mut dyn Session, id: i64) -> Result<String, Fault> {
    let found = session.one(
        "SELECT name FROM crm_contacts WHERE id = ?1",
        &[Cell::Int(id)],
    )?;
    match found {
        Some(row) => row.text(0),
        None => Err(Fault::Refused(Refusal(format!(
            "`contact_id`: there is no contact {id}. search_contacts finds the numbers."
        )))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_form_of_one() {
        assert_eq!(email(" Anh.Le@Example.com ").unwrap(), "Anh.Le@Example.com");
        assert!(email("mai@công-ty.vn").is_ok());
        for (given, why) in [
            ("anh", "no @"),
            ("@example.com", "before the @"),
            ("a@b@c.d", "more than one"),
            ("a@example", "no domain"),
            ("a@.com", "no domain"),
            ("a b@c.d", "space"),
        ] {
            let said = email(given).unwrap_err().0;
            assert!(said.contains(why) && said.starts_with("`email`"), "{said}");
        }
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_nearest() {
        let said = word("status", "prospekt", &STATUSES).unwrap_err().0;
        assert!(
            said.contains("`status`") && said.contains("Did you mean `prospect`?"),
            "{said}"
        );
        assert_eq!(word("status", " Lead", &STATUSES).unwrap(), "lead");
    }
}
