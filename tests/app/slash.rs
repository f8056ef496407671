//! Slash commands and the arguments of a call.

use mcpdeck::app::slash::{parse, parse_args};
use mcpdeck::app::{Intent, Keeping, Pane};
use mcpdeck::ids::ServerName;
use serde_json::json;

use crate::support::Play;

fn meant(text: &str) -> Option<Result<Intent, String>> {
    parse(text, &Play::ready().app.host)
}

fn complaint(text: &str) -> String {
    match meant(text) {
        Some(Err(complaint)) => complaint,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn commands_become_intents() {
    assert_eq!(meant("/help"), Some(Ok(Intent::Help)));
    assert_eq!(meant(" /servers "), Some(Ok(Intent::Focus(Pane::Servers))));
    let shop = Some(ServerName::new("shop"));
    assert_eq!(meant("/restart shop"), Some(Ok(Intent::Restart(shop))));
    let kept = |wish| Some(Ok(Intent::Keeping(wish)));
    let shop = Some(ServerName::new("shop"));
    assert_eq!(meant("/cache"), kept(Keeping::Cache));
    assert_eq!(meant("/cache clear"), kept(Keeping::ClearCache(None)));
    assert_eq!(meant("/cache clear shop"), kept(Keeping::ClearCache(shop)));
    assert!(complaint("/cache clear shpo").contains("did you mean `shop`?"));
    assert!(complaint("/cache forget").contains("/cache clear [SERVER]"));
    assert_eq!(meant("/context"), kept(Keeping::Context));
    let words = Keeping::Compact("the prices".to_owned());
    assert_eq!(meant("/compact the prices"), kept(words));
    let call = Intent::Call {
        server: ServerName::new("files"),
        tool: "read_file".to_owned(),
        arguments: r#"{"path":"42","limit":7}"#.to_owned(),
    };
    assert_eq!(
        meant("/call files read_file path=42 limit=7"),
        Some(Ok(call.clone()))
    );
    assert_eq!(
        meant("/call files.read_file path=42 limit=7"),
        Some(Ok(call.clone()))
    );
    assert_eq!(
        meant(r#"/call files read_file {"path": "42", "limit": 7}"#),
        Some(Ok(call))
    );
}

#[test]
fn a_path_or_a_prompt_is_no_command() {
    assert_eq!(meant("list the files"), None);
    assert_eq!(meant("/etc/passwd, what is it?"), None);
    assert_eq!(meant("//"), None);
}

#[test]
fn a_slip_is_told_with_the_nearest_name() {
    assert_eq!(
        complaint("/hlep"),
        "There is no command `/hlep`; did you mean `/help`?"
    );
    assert!(complaint("/xyzzyqq").ends_with("`/help` lists them."));
    assert!(complaint("/restart shpo").contains("did you mean `shop`?"));
    assert!(complaint("/restart").contains("needs the name of a server"));
    assert!(complaint("/call shop query_databse").contains("`query_database`"));
    assert!(complaint("/call").contains("SERVER TOOL"));
    assert!(complaint("/call shop").contains("SERVER TOOL"));
    assert!(complaint("/theme pink").contains("`light`"));
    assert!(complaint("/quit now").contains("takes no argument"));
}

#[test]
fn arguments_are_typed_by_the_schema_then_by_their_looks() {
    let schema = json!({"properties": {"name": {"type": "string"}, "n": {"type": "integer"}}});
    let parsed = |text: &str| parse_args(text, Some(&schema));
    assert_eq!(
        parsed("name=5 n=5 free=5"),
        Ok(r#"{"name":"5","n":5,"free":5}"#.to_owned())
    );
    assert_eq!(
        parsed("free=true other=yes"),
        Ok(r#"{"free":true,"other":"yes"}"#.to_owned())
    );
    assert_eq!(
        parsed(r#"name="two words" n=1"#),
        Ok(r#"{"name":"two words","n":1}"#.to_owned())
    );
    assert_eq!(
        parsed("name='a \"b\"'"),
        Ok(r#"{"name":"a \"b\""}"#.to_owned())
    );
    assert_eq!(
        parsed(r#"list=["a b", "c]"] n=1"#),
        Ok(r#"{"list":["a b","c]"],"n":1}"#.to_owned())
    );
    assert_eq!(parsed("name=a=b"), Ok(r#"{"name":"a=b"}"#.to_owned()));
    assert_eq!(parsed(""), Ok("{}".to_owned()));
    assert!(parsed("nonsense").is_err());
    assert!(parsed("=x").is_err());
    assert!(parsed("n=1 n=2").is_err_and(|why| why.contains("twice")));
    assert!(parsed("name=\"open").is_err_and(|why| why.contains("not closed")));
    assert!(parsed("{\"a\":").is_err_and(|why| why.contains("no JSON object")));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"[ a-z={}\[\]"'\\/,.0-9\n]{0,40}"#) {
        let _ = parse_args(&text, None);
        let _ = meant(&format!("/call files read_file {text}"));
    }

    #[test]
    fn a_quoted_value_comes_through_whole(value in "[^\"\\\\]{0,30}") {
        let schema = json!({"properties": {"v": {"type": "string"}}});
        let parsed = parse_args(&format!("v=\"{value}\""), Some(&schema));
        proptest::prop_assert_eq!(parsed, Ok(json!({"v": value}).to_string()));
    }
}
