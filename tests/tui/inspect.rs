//! `mcpdeck inspect`: one server, no configuration and no model; it is restarted when its files change.

use crate::deck::{WIDE, binary};
use crate::home::Home;
use crate::screen::{Key, LIMIT, Screen};

const FIRST: &str = "capabilities = { tools = { listChanged = true } }\n[[tools]]\nname = 'look_up'\ndescription = 'Looks a price up.'\ninputSchema = { type = 'object' }\n";

#[test]
fn a_server_under_work_is_looked_at_and_restarted_by_each_change() {
    let home = Home::new();
    let script = home.write("shop.toml", FIRST);
    let script = script.to_string_lossy();
    let mut command = home.command(binary());
    command.args([
        "inspect",
        "--watch",
        &script,
        "--",
        binary(),
        "serve",
        "scripted",
        &script,
    ]);
    let screen = Screen::start(&command, WIDE);
    for words in [
        "How it came up",
        "server/discover",
        "2025-11-25",
        "tools/list",
        "Nothing against it by any rule",
    ] {
        screen.wait_text(words);
    }
    let second = FIRST.replace("type = 'object'", "type = 'objekt'");
    home.write("shop.toml", &second);
    for words in [
        "restarts: 1",
        "invalid-schema",
        "`inputSchema` is no valid JSON Schema",
    ] {
        screen.wait_text(words);
    }
    home.write(
        "shop.toml",
        "[start]\nstderr = ['SHOP_TOKEN is not set']\nexit = 1\n",
    );
    screen.wait_text("give it the variable: --env SHOP_TOKEN=VALUE");
    screen.key(Key::Ctrl('c'));
    screen.key(Key::Ctrl('c'));
    assert_eq!(screen.exit_status(LIMIT).exit_code(), 0);
}
