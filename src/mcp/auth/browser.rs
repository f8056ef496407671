//! Who goes to the authorization server's page: a person with a browser, or, for a test of conformance, the program itself.
//!
//! Nothing is opened here: that is for the front ends, after a person's yes.

/// Who goes to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Browser {
    /// A person: the address is shown, and a refusal waits for them.
    #[default]
    Person,
    /// Nobody: the page is fetched, and its redirect taken. For a suite of tests whose pages ask nothing.
    Headless,
}

/// Whether a browser that is opened here comes up before the person, and can come back to loopback here: not over SSH.
pub fn is_here() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let remote = set("SSH_CONNECTION") || set("SSH_TTY");
    let screen = cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY");
    screen && !remote
}
