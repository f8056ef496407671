//! Without a model everything but the chat works.

use rusqlite::Connection;

use crate::deck::{Deck, WIDE};
use crate::home::Home;
use crate::ports::free_port;
use crate::screen::{Key, LIMIT};

#[test]
fn without_a_model_the_chat_says_how_to_get_one_and_sql_tools_and_calls_work() {
    let home = Home::new();
    let folder = home.work();
    let shop = Connection::open(folder.join("shop.db")).expect("a database");
    shop.execute_batch(
        "CREATE TABLE món (tên TEXT, giá INTEGER); \
         INSERT INTO món VALUES ('phở bò', 65000), ('bún chả', 55000);",
    )
    .expect("rows");
    // A named endpoint, because a local one would be found where there is one.
    let port = free_port();
    let config = format!(
        "[mcp_servers.shop]\nbundled = \"database\"\nurl = \"sqlite:shop.db\"\naccess = \"changes\"\n\
         [model]\nbase_url = \"http://127.0.0.1:{port}/v1\"\n"
    );
    home.write("mcp.toml", &config);
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    deck.ready(1, 1);
    deck.hear(&format!(
        "No model: The models of http://127.0.0.1:{port}/v1 cannot be listed: Connection refused"
    ));
    deck.hear("Set `name` in `[model]`, or check `base_url`");

    deck.say("SELECT tên, giá * 2 AS đôi FROM món ORDER BY giá");
    deck.hear("tên │ đôi");
    deck.hear("bún chả │ 110000");
    deck.hear("phở bò │ 130000");

    deck.say("what is the best dish?");
    deck.hear("There is no model to answer this");

    deck.say("/call shop.insert_record table=món values:={\"tên\":\"chè\",\"giá\":20000}");
    screen.wait("the inserted row", LIMIT, |_| {
        let count = "SELECT count(*) FROM món WHERE tên = 'chè' AND giá = 20000";
        shop.query_row(count, [], |row| row.get::<_, i64>(0)) == Ok(1)
    });

    deck.say("/tools");
    for tool in [
        "list_tables",
        "get_table_schema",
        "query_database",
        "insert_record",
    ] {
        screen.wait_text(tool);
    }
    screen.key(Key::Esc);
    screen.wait_gone("get_table_schema");

    deck.say("/toolz");
    screen.wait_text("There is no command `/toolz`; did you mean `/tools`?");
    screen.key(Key::Ctrl('u'));
    deck.say("/call shop query_databasee");
    screen.wait_text("`query_database`");
    screen.key(Key::Ctrl('u'));
    deck.say("/call shpo list_tables");
    screen.wait_text("There is no server `shpo`; did you mean `shop`?");
    screen.key(Key::Ctrl('u'));
    deck.quit();
}
