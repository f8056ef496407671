//! Lists of all kinds to their last page, also long ones and odd ones.

use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::listing::Listed;
use mcpdeck::mcp::request::ListKind;

use crate::support::*;

async fn list(server: &mut Server, kind: ListKind) -> Result<Listed, String> {
    server.connection.list(kind);
    loop {
        match server.event().await {
            ServerEvent::Listed(listed) if listed.kind() == kind => return Ok(listed),
            ServerEvent::ListFailed(of, why) if of == kind => return Err(why),
            ServerEvent::Ended(failure) => panic!("{failure:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn one_bad_tool_of_five_thousand_leaves_the_others() {
    let mut script = String::new();
    for page in 0..50 {
        let tools: Vec<String> = (0..100)
            .map(|n| match page * 100 + n {
                2500 => "{ name = \"bad\", inputSchema = 7 }".to_owned(),
                n => format!("{{ name = \"t{n}\", inputSchema = {{}} }}"),
            })
            .collect();
        let next = match page {
            49 => String::new(),
            _ => format!(", nextCursor = \"{}\"", page + 1),
        };
        // The rule without a cursor stands last: it would fit every page.
        let cursor = match page {
            0 => String::new(),
            _ => format!("cursor = \"{page}\"\n"),
        };
        let rule = format!(
            "[[on]]\nmethod = \"tools/list\"\n{cursor}result = {{ tools = [{}]{next} }}\n",
            tools.join(", ")
        );
        script.insert_str(0, &rule);
    }
    // The first page was written first, so the insertion has put it last.
    let mut server = scripted(&script);
    server.connected().await;
    let Ok(Listed::Tools(listing)) = list(&mut server, ListKind::Tools).await else {
        panic!("listed");
    };
    assert_eq!(listing.items.len(), 4999);
    assert_eq!(listing.rejected.len(), 1);
    assert_eq!(listing.rejected[0].name.as_deref(), Some("bad"));
}

#[tokio::test]
async fn a_cursor_that_repeats_ends_the_list_of_each_kind_in_both_eras() {
    for era in ["legacy", "modern"] {
        let mut script = format!("era = \"{era}\"\n");
        for kind in ListKind::ALL {
            let item = match kind {
                ListKind::Tools => r#"{ name = "a", inputSchema = {} }"#,
                ListKind::Resources => r#"{ uri = "file:///a", name = "a", size = 3 }"#,
                ListKind::Templates => r#"{ uriTemplate = "file:///{a}", name = "a" }"#,
                ListKind::Prompts => {
                    r#"{ name = "a", arguments = [{ name = "x", required = true }] }"#
                }
            };
            script += &format!(
                "[[on]]\nmethod = \"{}\"\nresult = {{ {} = [{item}, 7], nextCursor = \"again\", ttlMs = 1, cacheScope = \"private\" }}\n",
                kind.wire(),
                kind.key()
            );
        }
        let mut server = scripted_as(&script, auto);
        server.connected().await;
        for kind in ListKind::ALL {
            let listed = list(&mut server, kind).await.unwrap();
            let (good, bad) = match &listed {
                Listed::Tools(list) => (list.items.len(), list.rejected.len()),
                Listed::Resources(list) => (list.items.len(), list.rejected.len()),
                Listed::Templates(list) => (list.items.len(), list.rejected.len()),
                Listed::Prompts(list) => (list.items.len(), list.rejected.len()),
            };
            // Two pages: the second repeats the first, and its cursor leads in a circle.
            assert_eq!((good, bad), (1, 3), "{era} {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_none_fails_alone() {
    let mut server = scripted(
        "[[on]]\nmethod = \"prompts/list\"\nresult = { prompts = 7 }\n[[on]]\nmethod = \"resources/list\"\nresult = { resultType = \"later\", resources = [] }",
    );
    server.connected().await;
    let why = list(&mut server, ListKind::Prompts).await.unwrap_err();
    assert!(why.contains("no array `prompts`"), "{why}");
    let why = list(&mut server, ListKind::Resources).await.unwrap_err();
    assert!(why.contains("unknown type"), "{why}");
    let why = list(&mut server, ListKind::Templates).await.unwrap_err();
    assert!(why.contains("-32601"), "{why}");
    assert!(list(&mut server, ListKind::Tools).await.is_ok());
}

#[tokio::test]
async fn what_a_server_says_of_how_long_its_list_is_good_is_held_to_its_strictest_page() {
    use mcpdeck::mcp::listing::ListHints;
    let hints = |ttl_ms, public| ListHints { ttl_ms, public };
    // First page, second page, what is made of both.
    for (first, second, expected) in [
        (
            "ttlMs = 9000, cacheScope = 'public'",
            "ttlMs = 5000, cacheScope = 'public'",
            hints(Some(5000), true),
        ),
        (
            "ttlMs = 9000, cacheScope = 'public'",
            "ttlMs = 9000, cacheScope = 'private'",
            hints(Some(9000), false),
        ),
        (
            "ttlMs = -7, cacheScope = 'private'",
            "ttlMs = 9000",
            hints(Some(0), false),
        ),
        ("ttlMs = 0", "cacheScope = 'public'", hints(Some(0), false)),
        (
            "ttlMs = 'soon', cacheScope = 7",
            "ttlMs = 1500.7",
            hints(Some(1500), false),
        ),
    ] {
        let script = format!(
            "era = \"modern\"\n[[on]]\nmethod = \"tools/list\"\ncursor = \"2\"\nresult = {{ tools = [], {second} }}\n\
             [[on]]\nmethod = \"tools/list\"\nresult = {{ tools = [], nextCursor = \"2\", {first} }}\n"
        );
        let mut server = scripted_as(&script, auto);
        server.connected().await;
        server.connection.list(ListKind::Tools);
        let said = loop {
            match server.event().await {
                ServerEvent::Hints(ListKind::Tools, hints) => break hints,
                ServerEvent::Listed(_) => panic!("it said something: {first}, {second}"),
                ServerEvent::Ended(failure) => panic!("{failure:?}"),
                _ => {}
            }
        };
        assert_eq!(said, expected, "{first}, {second}");
    }
}
