//! Scripts with mistakes: each is told with its line.

use crate::agent::model::script::Script;

#[test]
fn mistakes_are_told_with_their_line() {
    let head = "opening = \"o\"\nfallback = \"f\"\n";
    let cases = [
        ("opening = 3\nfallback = \"f\"\n", 1, "expected"),
        (
            "opening = \"{{ x\"\nfallback = \"f\"\nreply = []",
            1,
            "template",
        ),
        ("colour = 1", 3, "unknown field"),
        ("[[reply]]\nprompt = \"p\"", 3, "needs at least one"),
        (
            "[[reply]]\nprompt = \"p\"\nwhen = [\"a\", \"{}\"]\n[[reply.step]]\nsay = \"s\"",
            5,
            "no name",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\nsay = \"s\"\n[[reply.step]]\nsay = \"s\"",
            5,
            "needs `call`",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\ncall = { tool = \"a.b\" }",
            5,
            "cannot call",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\ncall = { tool = \"ab\" }\n[[reply.step]]\nsay = \"s\"",
            6,
            "`server.tool`",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\ncall = { tool = \"a.b\", if = \"1 +\" }\n[[reply.step]]\nsay = \"s\"",
            6,
            "`if`",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\nsay = \"{% if %}\"",
            6,
            "template",
        ),
    ];
    for (text, line, part) in cases {
        let text = if text.starts_with("opening") {
            text.to_owned()
        } else {
            format!("{head}{text}")
        };
        let error = Script::parse(&text).unwrap_err();
        assert!(
            error.line == line && error.message.contains(part),
            "{text}\n{error}"
        );
    }
}
