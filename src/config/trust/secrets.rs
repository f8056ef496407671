//! What of a folder's file is not for eyes that pass by: values under names that say so.
//!
//! Pure. `${VAR}` stays, because it gives nothing away and says which variable goes where.

/// What stands for a hidden value.
pub(super) const MASK: &str = "***";

/// A value as it may be shown under this name.
pub(super) fn shown(name: &str, value: &str) -> String {
    match is_secret(name) && !value.contains("${") {
        true => MASK.to_owned(),
        false => in_url(value),
    }
}

/// The words of a command: `--token x`, `--token=x` and `TOKEN=x` without the `x`.
pub(super) fn words(words: &[&str]) -> Vec<String> {
    let mut hides_next = false;
    let word = |word: &&str| {
        let hidden = std::mem::take(&mut hides_next) && !word.starts_with('-');
        if hidden {
            return shown("key", word);
        }
        if let Some((name, value)) = word.split_once('=')
            && !name.contains("://")
        {
            return format!("{name}={}", shown(name, value));
        }
        hides_next = word.starts_with('-') && is_secret(word);
        in_url(word)
    };
    words.iter().map(word).collect()
}

/// A URL without its password and without the values in its query whose names say that they are secret; other text as it is.
pub(super) fn in_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (address, query) = match rest.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (rest, None),
    };
    let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let host = match host.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, password)) => format!("{user}:{}@{host}", shown("password", password)),
            None => format!("{user}@{host}"),
        },
        None => host.to_owned(),
    };
    let mut out = format!("{scheme}://{host}{path}");
    if let Some(query) = query {
        let pair = |pair: &str| match pair.split_once('=') {
            Some((name, value)) if is_secret(name) && !value.contains("${") => {
                format!("{name}={MASK}")
            }
            _ => pair.to_owned(),
        };
        let pairs: Vec<String> = query.split('&').map(pair).collect();
        out.push('?');
        out.push_str(&pairs.join("&"));
    }
    out
}

/// Whether a name says that its value is a secret. The names of variables, which end in `_env` or `_env_var`, are none.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let says = [
        "key", "token", "secret", "pass", "pwd", "auth", "cred", "cookie",
    ];
    !name.ends_with("_env")
        && !name.ends_with("_env_var")
        && name != "oauth"
        && says.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_variables_named() {
        for (name, value, expected) in [
            ("API_KEY", "abc", "***"),
            ("API_KEY", "${API_KEY}", "${API_KEY}"),
            ("LEVEL", "debug", "debug"),
            ("api_key_env", "OPENAI_API_KEY", "OPENAI_API_KEY"),
            ("bearer_token_env_var", "GH_TOKEN", "GH_TOKEN"),
            (
                "url",
                "https://me:pw@h/x?token=a&b=c",
                "https://me:***@h/x?token=***&b=c",
            ),
            ("url", "postgres://me@h/db", "postgres://me@h/db"),
        ] {
            assert_eq!(shown(name, value), expected, "{name} {value}");
        }
        let line = [
            "run",
            "--token",
            "abc",
            "--api-key=x",
            "-v",
            "PASSWORD=y",
            "a=b",
        ];
        let hidden = [
            "run",
            "--token",
            "***",
            "--api-key=***",
            "-v",
            "PASSWORD=***",
            "a=b",
        ];
        assert_eq!(words(&line), hidden);
        assert_eq!(words(&["--token", "-v", "x"]), ["--token", "-v", "x"]);
    }
}
