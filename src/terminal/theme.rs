//! What `theme = "auto"` means here, by what the environment says of the terminal. Asks the terminal nothing: an answer that
//! does not come would hold up the first frame.

use crate::config::ThemeChoice;

/// Dark, light or mono. `variable` looks a variable of the environment up.
pub fn detect(variable: impl Fn(&str) -> Option<String>) -> ThemeChoice {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb") {
        return ThemeChoice::Mono;
    }
    // `15;0`, `0;default;15`: the last part is the background, as one of the sixteen colours.
    let background = set("COLORFGBG").and_then(|value| value.rsplit(';').next()?.parse().ok());
    match background {
        Some(7u8 | 9..=15) => ThemeChoice::Light,
        Some(_) | None => ThemeChoice::Dark,
    }
}

/// [`detect`] on the environment of this process.
pub fn detect_here() -> ThemeChoice {
    detect(|name| std::env::var(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> ThemeChoice {
        detect(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_dark_light_or_no_colour() {
        assert_eq!(with(&[]), ThemeChoice::Dark);
        assert_eq!(with(&[("COLORFGBG", "15;0")]), ThemeChoice::Dark);
        assert_eq!(with(&[("COLORFGBG", "0;default;15")]), ThemeChoice::Light);
        assert_eq!(with(&[("COLORFGBG", "rubbish")]), ThemeChoice::Dark);
        assert_eq!(with(&[("TERM", "dumb")]), ThemeChoice::Mono);
        let both = [("NO_COLOR", "1"), ("COLORFGBG", "0;15")];
        assert_eq!(with(&both), ThemeChoice::Mono);
        assert_eq!(with(&[("NO_COLOR", "")]), ThemeChoice::Dark);
    }
}
