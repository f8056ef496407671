//! The form of any schema: what it shows, what keys do in it, and the laws that hold for all schemas, values and keys.

use mcpdeck::app::composer::{Edit, Motion};
use mcpdeck::app::form::Kind;
use mcpdeck::app::form::tree::{Row, RowKind, State, Step, Tree, TreeKey, outline};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

fn rows(tree: &Tree) -> Vec<String> {
    tree.rows.iter().map(told).collect()
}

/// A row in short: its depth, name, sort and what stands there.
fn told(row: &Row) -> String {
    let what = match &row.kind {
        RowKind::Leaf(field) => match &field.kind {
            Kind::Text { input, .. } => format!("text {:?}", input.text()),
            Kind::Number { input, .. } => format!("number {:?}", input.text()),
            Kind::Flag(said) => format!("flag {said:?}"),
            Kind::One { options, chosen } => format!("one of {}: {chosen:?}", options.len()),
            Kind::Many {
                options, chosen, ..
            } => format!("some of {}: {chosen:?}", options.len()),
            Kind::Json(input) => format!("json {:?}", input.text()),
        },
        RowKind::Group { open, count } => format!("object {count} {}", sign(*open)),
        RowKind::List { open, count } => format!("list {count} {}", sign(*open)),
        RowKind::Ways { titles, chosen } => format!("ways {titles:?}: {chosen:?}"),
        RowKind::AddItem => "+ item".to_owned(),
        RowKind::AddName(input) => format!("+ name {:?}", input.text()),
        RowKind::Null => "null".to_owned(),
        RowKind::More => "more".to_owned(),
    };
    let star = if row.required { "*" } else { "" };
    let absent = if row.state == State::Absent && row.is_removable() {
        "?"
    } else {
        ""
    };
    format!(
        "{}{}{star}{absent} {what}",
        "  ".repeat(row.depth),
        row.name
    )
}

fn sign(open: bool) -> &'static str {
    if open { "open" } else { "closed" }
}

fn go(tree: &mut Tree, name: &str) {
    let at = tree
        .rows
        .iter()
        .position(|row| row.name == name && row.text().is_some());
    let at = at.or_else(|| tree.rows.iter().position(|row| row.name == name));
    tree.enter(at.unwrap_or_else(|| panic!("no row {name} in {:#?}", rows(tree))));
}

fn write(tree: &mut Tree, text: &str) {
    text.chars().for_each(|c| tree.insert(c));
}

#[test]
fn a_nested_schema_is_filled_in_row_by_row() {
    let schema = json!({"type": "object", "required": ["name", "address"], "properties": {
        "name": {"type": "string", "minLength": 2},
        "age": {"type": ["integer", "null"], "minimum": 0},
        "address": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string"}, "zip": {"type": "string", "pattern": "^[0-9]{5}$"}}},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "unit": {"enum": ["C", "F"], "default": "C"},
    }});
    let mut tree = Tree::new(&schema);
    assert_eq!(
        rows(&tree),
        [
            "name* text \"\"",
            "age number \"\"",
            "address* object 0 open",
            "  city* text \"\"",
            "  zip text \"\"",
            "tags list 0 closed",
            "unit one of 2: Some(0)"
        ]
    );
    assert_eq!(tree.accept(), None);
    assert_eq!(tree.row().unwrap().name, "name");
    write(&mut tree, "Ánh");
    go(&mut tree, "city");
    write(&mut tree, "北京");
    go(&mut tree, "zip");
    write(&mut tree, "12a");
    assert!(
        tree.row()
            .unwrap()
            .says(false)
            .unwrap()
            .contains("does not match")
    );
    assert_eq!(tree.accept(), None);
    assert_eq!(tree.row().unwrap().name, "zip");
    tree.edit(Edit::Delete(Motion::Left));
    write(&mut tree, "345");
    go(&mut tree, "age");
    write(&mut tree, "4x");
    assert_eq!(
        tree.row().unwrap().says(false),
        Some("it must be a whole number such as 42")
    );
    tree.edit(Edit::Delete(Motion::Left));
    go(&mut tree, "tags");
    tree.press(TreeKey::Act, 0);
    go(&mut tree, "tags");
    // The row below the list adds to it.
    let add = tree
        .rows
        .iter()
        .position(|row| matches!(row.kind, RowKind::AddItem));
    tree.enter(add.unwrap());
    tree.press(TreeKey::Act, 0);
    write(&mut tree, "a");
    assert_eq!(
        tree.accept(),
        Some(
            json!({"name": "Ánh", "age": 4, "address": {"city": "北京", "zip": "12345"}, "tags": ["a"], "unit": "C"})
        )
    );
    assert_eq!(
        tree.value().to_string(),
        r#"{"name":"Ánh","age":4,"address":{"city":"北京","zip":"12345"},"tags":["a"],"unit":"C"}"#,
        "names stand in the order of the schema, in whatever order they were filled in"
    );
    go(&mut tree, "age");
    tree.press(TreeKey::Special, 0);
    assert_eq!(tree.value()["age"], Value::Null);
    tree.press(TreeKey::Special, 0);
    assert_eq!(tree.value().get("age"), None);
}

#[test]
fn ways_are_chosen_by_their_value_and_what_was_left_comes_back() {
    let schema = json!({"type": "object", "required": ["shape"], "properties": {"shape": {"oneOf": [
        {"type": "object", "title": "Circle", "required": ["kind", "r"],
         "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}},
        {"type": "object", "required": ["kind", "w"],
         "properties": {"kind": {"const": "square"}, "w": {"type": "number"}}},
        {"type": "string"},
    ]}}});
    let mut tree = Tree::with(&schema, json!({"shape": {"kind": "square", "w": 2}}));
    assert_eq!(
        rows(&tree),
        [
            "shape* ways [\"Circle\", \"kind=square\", \"text\"]: Some(1)",
            "  kind* one of 1: Some(0)",
            "  w* number \"2\""
        ]
    );
    tree.press(TreeKey::Right, 0);
    go(&mut tree, "shape");
    write(&mut tree, "x");
    assert_eq!(tree.value(), &json!({"shape": "x"}));
    tree.enter(0);
    tree.press(TreeKey::Left, 0);
    assert_eq!(tree.value(), &json!({"shape": {"kind": "square", "w": 2}}));
    tree.press(TreeKey::Left, 0);
    assert_eq!(tree.value(), &json!({"shape": {"kind": "circle"}}));
    assert_eq!(tree.accept(), None);
    assert_eq!(
        tree.row().unwrap().name,
        "r",
        "what is wrong is said on the way, not at the choice"
    );
}

#[test]
fn a_schema_that_contains_itself_opens_as_far_as_one_goes() {
    let schema = json!({"type": "object", "required": ["root"],
        "properties": {"root": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"type": "object", "required": ["label"], "properties": {
            "label": {"type": "string"}, "next": {"$ref": "#/$defs/node"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}});
    let mut tree = Tree::new(&schema);
    assert_eq!(
        rows(&tree),
        [
            "root* object 0 open",
            "  label* text \"\"",
            "  next object 0 closed",
            "  children list 0 closed"
        ]
    );
    go(&mut tree, "next");
    tree.press(TreeKey::Act, 0);
    assert_eq!(tree.value(), &json!({"root": {"next": {}}}));
    assert_eq!(tree.rows.len(), 7);
    // One that needs itself can never be filled in, and is not tried without end.
    let endless = json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}});
    assert_eq!(Tree::new(&endless).accept(), None);
    let turning = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": "#/$defs/x"}}});
    assert_eq!(rows(&Tree::new(&turning)), ["a json \"\""]);
}

#[test]
fn what_no_field_can_hold_is_json_and_stays() {
    let schema = json!({"type": "object", "additionalProperties": false, "properties": {
        "a": {"type": "string"}, "b": {"enum": [1, 2]}, "c": {"not": {"type": "string"}}, "d": {"type": "array", "items": {"type": "integer"}}}});
    let value = json!({"d": {"x": 1}, "a": 7, "b": 3, "c": [1, {"y": null}], "z": {"k": [true]}});
    let mut tree = Tree::with(&schema, value.clone());
    assert_eq!(
        rows(&tree),
        [
            "a json \"7\"",
            "b json \"3\"",
            "c json \"[1,{\\\"y\\\":null}]\"",
            "d json \"{\\\"x\\\":1}\"",
            "z json \"{\\\"k\\\":[true]}\""
        ]
    );
    tree.toggle_raw();
    tree.toggle_raw();
    assert_eq!(tree.value().to_string(), value.to_string());
    assert_eq!(tree.accept(), None, "it does not fit");
    go(&mut tree, "a");
    tree.press(TreeKey::Clear, 0);
    write(&mut tree, "x");
    assert_eq!(tree.value()["a"], "x");
}

#[test]
fn raw_json_that_would_not_be_sent_as_it_stands_is_not_taken_over_without_a_word() {
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    for (text, word) in [
        (r#"{"id": 123456789012345678901234}"#, "digits"),
        (r#"{"id": 1, "id": 2}"#, "twice"),
        (r#"{"id": }"#, "must be JSON"),
        ("[1]", "an object"),
    ] {
        let mut tree = Tree::new(&schema);
        tree.toggle_raw();
        tree.edit(Edit::Delete(Motion::Start));
        tree.paste(text);
        tree.toggle_raw();
        let raw = tree.raw.as_ref().expect(text);
        assert!(
            raw.complaint.as_ref().is_some_and(|why| why.contains(word)),
            "{text}: {:?}",
            raw.complaint
        );
        assert_eq!(raw.input.text(), text);
        tree.drop_raw();
        assert_eq!(tree.value(), &json!({}));
    }
}

#[test]
fn a_field_sends_what_is_written_in_it_or_says_why_not() {
    let schema = json!({"type": "object", "properties": {
        "any": {}, "n": {"type": "number"}, "i": {"type": "integer"}}});
    for (name, text, word) in [
        ("any", r#"{"a": 1, "a": 2}"#, "twice"),
        ("any", "[18446744073709551616]", "digits"),
        ("n", "12345678901234567890123", "digits"),
        ("i", "18446744073709551616", "digits"),
        ("n", "1e400", "a number"),
    ] {
        let mut tree = Tree::new(&schema);
        go(&mut tree, name);
        write(&mut tree, text);
        assert_eq!(tree.accept(), None, "{text} in {name}");
        let says = tree.row().and_then(|row| row.says(true));
        assert!(says.is_some_and(|why| why.contains(word)), "{says:?}");
    }
    let mut tree = Tree::new(&schema);
    go(&mut tree, "i");
    write(&mut tree, "18446744073709551615");
    go(&mut tree, "n");
    write(&mut tree, "1e30");
    assert_eq!(tree.accept(), Some(json!({"n": 1e30, "i": u64::MAX})));
}

#[test]
fn a_schema_that_leads_to_a_large_one_from_each_name_is_read_in_part() {
    let names = || (0..1_000).map(|at| format!("a{at}"));
    let to = |place: &str| -> Value {
        let of = names().map(|name| (name, json!({"$ref": place})));
        Value::Object(of.collect())
    };
    let options: Vec<String> = (0..1_500).map(|at| format!("option {at}")).collect();
    let all: Vec<String> = names().collect();
    for schema in [
        json!({"type": "object", "properties": to("#"), "required": all}),
        json!({"type": "object", "properties": to("#/$defs/of"),
            "$defs": {"of": {"type": "string", "enum": options}}}),
    ] {
        let mut tree = Tree::new(&schema);
        assert!((2..400).contains(&tree.rows.len()), "{}", tree.rows.len());
        let last = tree.rows.last().map(|row| &row.kind);
        assert!(matches!(last, Some(RowKind::More)), "{last:?}");
        let read = outline(&schema);
        assert!((2..400).contains(&read.len()), "{}", read.len());
        assert_eq!(read.last().map(|row| row.name.as_str()), Some("…"));
        // What has no row is reached as JSON.
        tree.toggle_raw();
        assert!(tree.raw.is_some());
    }
}

#[test]
fn a_form_follows_its_schema_and_loses_nothing_that_is_written() {
    let before = json!({"type": "object", "properties": {
        "a": {"type": "integer", "maximum": 5}, "b": {"type": "string"}}});
    let after = json!({"type": "object", "properties": {
        "new": {"type": "string"}, "a": {"type": "integer", "maximum": 50}, "b": {"type": "string"}}});
    let mut tree = Tree::new(&before);
    go(&mut tree, "b");
    write(&mut tree, "kept");
    go(&mut tree, "a");
    write(&mut tree, "42");
    assert_eq!(tree.accept(), None);
    tree.follow(&after);
    assert_eq!(tree.row().map(|row| row.name.as_str()), Some("a"));
    assert_eq!(tree.accept(), Some(json!({"a": 42, "b": "kept"})));
    // What is no value yet stays too, and so does a text of JSON.
    write(&mut tree, "x");
    tree.follow(&before);
    assert_eq!(
        tree.row().and_then(|row| row.text()).map(|it| it.text()),
        Some("42x")
    );
    tree.toggle_raw();
    tree.paste("{");
    let written = |tree: &Tree| tree.raw.as_ref().map(|raw| raw.input.text().to_owned());
    let before = written(&tree);
    tree.follow(&after);
    assert_eq!((before.is_some(), written(&tree)), (true, before));
}

#[test]
fn an_item_that_goes_takes_nothing_of_its_neighbours() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "array", "items": {"type": "integer"}}}});
    let mut tree = Tree::with(&schema, json!({"n": [1, 2, 3]}));
    go(&mut tree, "[2]");
    write(&mut tree, "x");
    go(&mut tree, "[0]");
    tree.press(TreeKey::Clear, 0);
    // What stood there before `x` came is not what is written now: it is not gone over to JSON.
    assert_eq!(tree.value(), &json!({"n": [2, 3]}));
    tree.toggle_raw();
    assert!(tree.raw.is_none() && tree.complaint.is_some());
    assert_eq!(told(&tree.rows[2]), "  [1]* number \"3x\"");
    assert_eq!(tree.accept(), None);
    assert_eq!(tree.row().unwrap().path.last(), Some(&Step::Item(1)));
}

// --- laws ---

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,4}",
        "\\PC{0,5}",
        Just("e\u{301}".to_owned()),
        Just("\u{1}\u{202e}\n".to_owned())
    ]
}

/// Any JSON.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4).prop_map(object),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::vec((name(), any_value()), 0..5).prop_map(object)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-d]", 1 => text(), 1 => Just("a/b~c".to_owned())]
}

fn object(pairs: Vec<(String, Value)>) -> Value {
    Value::Object(pairs.into_iter().collect::<Map<_, _>>())
}

/// Any schema of the kinds that servers write.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0u64..3, prop::option::of(3u64..6)).prop_map(|(min, max)| {
            let mut schema = json!({"type": "string", "minLength": min});
            schema
                .as_object_mut()
                .unwrap()
                .extend(max.map(|max| ("maxLength".to_owned(), json!(max))));
            schema
        }),
        prop::sample::select(vec!["email", "uri", "date", "date-time", "uuid"])
            .prop_map(|format| json!({"type": "string", "format": format})),
        (-5i64..5, 5i64..9)
            .prop_map(|(min, max)| json!({"type": "integer", "minimum": min, "maximum": max})),
        Just(json!({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5})),
        Just(json!({"type": "boolean", "default": false})),
        Just(json!({"type": "boolean"})),
        Just(json!({"enum": ["red", 1, null, {"x": []}]})),
        Just(json!({"const": "only"})),
        Just(json!({"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]})),
        Just(json!({"type": "array", "items": {"enum": ["x", "y", "z"]}, "minItems": 1})),
        Just(json!({"type": ["string", "null"]})),
        Just(json!({"type": ["string", "integer", "null"]})),
        Just(json!({"type": "string", "pattern": "^[a-c]+$"})),
        Just(json!({"type": "null"})),
        Just(json!({})),
        Just(json!(true)),
        Just(json!({"$ref": "#/$defs/node"})),
        Just(json!({"$ref": "#/$defs/leaf", "description": "đ"})),
        Just(json!({"$ref": "http://127.0.0.1:1/x"})),
        Just(json!({"not": {"type": "string"}})),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let property = (name(), inner.clone(), any::<bool>()).boxed();
        prop_oneof![
            3 => (prop::collection::vec(property.clone(), 0..4), more(inner.clone())).prop_map(of_object),
            1 => (inner.clone(), 0u64..2, prop::option::of(2u64..4)).prop_map(|(items, min, max)| {
                let mut schema = json!({"type": "array", "items": items, "minItems": min});
                schema.as_object_mut().unwrap().extend(max.map(|max| ("maxItems".to_owned(), json!(max))));
                schema
            }),
            1 => prop::collection::vec(inner.clone(), 1..3).prop_map(|of| json!({"type": "array", "prefixItems": of, "items": false})),
            1 => prop::collection::vec(inner.clone(), 1..4).prop_map(|of| json!({"anyOf": of})),
            1 => prop::collection::vec(inner.clone(), 1..3).prop_map(|of| json!({"oneOf": of, "title": "ways"})),
            1 => inner.clone().prop_map(|of| json!({"anyOf": [of, {"type": "null"}], "default": null})),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"allOf": [a, b]})),
            1 => (inner.clone(), any_value()).prop_map(|(of, default)| json!({"allOf": [of], "default": default})),
        ]
    })
}

fn more(inner: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    prop_oneof![2 => Just(None), 1 => Just(Some(json!(false))), 1 => inner.prop_map(Some)].boxed()
}

fn of_object((of, more): (Vec<(String, Value, bool)>, Option<Value>)) -> Value {
    let required: Vec<&String> = of.iter().filter(|of| of.2).map(|of| &of.0).collect();
    let mut names = required.clone();
    names.sort();
    names.dedup();
    let mut schema = json!({"type": "object", "required": names});
    let properties = of
        .iter()
        .map(|(name, schema, _)| (name.clone(), schema.clone()));
    schema["properties"] = Value::Object(properties.collect());
    if let Some(more) = more {
        schema["additionalProperties"] = more;
    }
    schema
}

/// A tool's schema: an object with definitions, one of which contains itself.
fn tool() -> impl Strategy<Value = Value> {
    let of = (
        prop::collection::vec((name(), any_schema(), any::<bool>()), 0..5),
        more(any_schema()),
    );
    of.prop_map(|of| {
        let mut schema = of_object(of);
        schema["$defs"] = json!({
            "leaf": {"type": "string", "maxLength": 3},
            "node": {"type": "object", "required": ["label"], "properties": {
                "label": {"$ref": "#/$defs/leaf"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "all": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}});
        schema
    })
}

#[derive(Debug, Clone)]
enum Op {
    Key(TreeKey),
    Type(char),
    Paste(String),
    Edit(Edit),
    Enter(usize),
    Raw,
    Drop,
    Accept,
}

fn op() -> impl Strategy<Value = Op> {
    use TreeKey::{Act, Clear, Down, Left, Next, Previous, Right, Special, Toggle, Up};
    let keys = vec![
        Act, Act, Clear, Down, Left, Next, Previous, Right, Special, Toggle, Up,
    ];
    prop_oneof![
        6 => prop::sample::select(keys).prop_map(Op::Key),
        4 => prop::sample::select("ab1-.{}[]\":,é \n0".chars().collect::<Vec<_>>()).prop_map(Op::Type),
        1 => any::<char>().prop_map(Op::Type),
        1 => text().prop_map(Op::Paste),
        2 => prop::sample::select(vec![
            Edit::Delete(Motion::Left), Edit::Delete(Motion::Start), Edit::Move(Motion::Left), Edit::Undo, Edit::Redo,
        ]).prop_map(Op::Edit),
        4 => (0usize..30).prop_map(Op::Enter),
        1 => Just(Op::Raw),
        1 => Just(Op::Drop),
        1 => Just(Op::Accept),
    ]
}

fn play(tree: &mut Tree, op: &Op) -> Option<Value> {
    match op {
        Op::Key(key) => tree.press(*key, 20),
        Op::Type(c) => tree.insert(*c),
        Op::Paste(text) => tree.paste(text),
        Op::Edit(edit) => tree.edit(*edit),
        Op::Enter(at) => tree.enter(*at),
        Op::Raw => tree.toggle_raw(),
        Op::Drop => tree.drop_raw(),
        Op::Accept => return tree.accept(),
    }
    None
}

fn fits(value: &Value, schema: &Value) -> bool {
    // A schema that points outside itself cannot be checked by anybody here.
    jsonschema::validator_for(schema).map_or(true, |validator| validator.is_valid(value))
}

/// Fills in what is complained of, as a person would who reads the complaint.
fn fill(tree: &mut Tree, ops: &[Op]) -> Option<Value> {
    for turn in 0..120 {
        if let Some(value) = tree.accept() {
            return Some(value);
        }
        let row = tree.row()?.clone();
        match &row.kind {
            RowKind::Ways { .. } => tree.press(TreeKey::Right, 0),
            RowKind::Group { .. } if row.state == State::Absent => tree.press(TreeKey::Act, 0),
            RowKind::List { count: 0, .. } => {
                tree.press(TreeKey::Act, 0);
                let add = |of: &Row| matches!(of.kind, RowKind::AddItem) && of.path == row.path;
                if let Some(at) = tree.rows.iter().position(add) {
                    tree.enter(at);
                    tree.press(TreeKey::Act, 0);
                }
            }
            RowKind::Leaf(field) if field.text().is_none() => tree.press(TreeKey::Toggle, 0),
            RowKind::Leaf(_) => {
                let tries = [
                    "ab",
                    "1",
                    "a@b.example",
                    "2026-01-02",
                    "https://a.example",
                    "2026-01-02T03:04:05Z",
                    "0.5",
                    "{}",
                    "null",
                    "[]",
                    "6",
                    "true",
                ];
                tree.edit(Edit::Move(Motion::End));
                tree.edit(Edit::Delete(Motion::Start));
                tree.paste(tries[turn % tries.len()]);
            }
            _ => tree.press(TreeKey::Special, 0),
        }
        if turn % 40 == 39 {
            ops.iter().take(3).for_each(|op| drop(play(tree, op)));
            tree.drop_raw();
        }
    }
    None
}

/// Where single values stand in a value.
fn places(value: &Value, path: &mut Vec<Step>, out: &mut Vec<Vec<Step>>) {
    match value {
        Value::Object(of) if !of.is_empty() => of.iter().for_each(|(name, value)| {
            path.push(Step::Key(name.clone()));
            places(value, path, out);
            path.pop();
        }),
        Value::Array(of) if !of.is_empty() => of.iter().enumerate().for_each(|(at, value)| {
            path.push(Step::Item(at));
            places(value, path, out);
            path.pop();
        }),
        _ => out.push(path.clone()),
    }
}

#[test]
fn what_a_form_accepts_fits_its_schema() {
    let mut accepted = 0;
    let mut runner = TestRunner::new(Config::with_cases(160));
    let given = (tool(), prop::collection::vec(op(), 0..60));
    let counted = std::cell::Cell::new(0);
    runner
        .run(&given, |(schema, ops)| {
            let mut tree = Tree::new(&schema);
            let mut seen: Vec<Value> = ops.iter().filter_map(|op| play(&mut tree, op)).collect();
            tree.drop_raw();
            seen.extend(fill(&mut tree, &ops));
            counted.set(counted.get() + usize::from(!seen.is_empty()));
            for value in seen {
                prop_assert!(fits(&value, &schema), "{} does not fit {}", value, schema);
            }
            Ok(())
        })
        .unwrap();
    accepted += counted.get();
    assert!(
        accepted > 80,
        "only {accepted} of 160 forms could be filled in: the law is hardly tested"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// JSON to form to JSON, as fields and as text, is what it was, name by name in its order; and every value has a row.
    #[test]
    fn a_form_holds_any_json_as_it_is(schema in tool(), value in any_object()) {
        let mut tree = Tree::with(&schema, value.clone());
        prop_assert_eq!(tree.value().to_string(), value.to_string());
        for at in 0..tree.rows.len() {
            tree.enter(at);
        }
        tree.toggle_raw();
        prop_assert!(tree.raw.is_some());
        tree.toggle_raw();
        prop_assert!(tree.raw.is_none(), "{:?}", tree.raw);
        prop_assert_eq!(tree.value().to_string(), value.to_string());
        // Written and taken over as a text that differs by a blank.
        tree.toggle_raw();
        tree.insert(' ');
        tree.toggle_raw();
        prop_assert_eq!(tree.value().to_string(), value.to_string());
        let mut all = Vec::new();
        places(&value, &mut Vec::new(), &mut all);
        for place in all {
            let holds = |row: &Row| place.starts_with(&row.path) && match &row.kind {
                RowKind::Leaf(_) | RowKind::Null => true,
                RowKind::Group { open, .. } | RowKind::List { open, .. } => !open || place == row.path,
                RowKind::Ways { .. } => place == row.path,
                RowKind::More | RowKind::AddItem | RowKind::AddName(_) => false,
            };
            prop_assert!(place.is_empty() || tree.rows.iter().any(holds), "{:?} has no row in {:#?}", place, rows(&tree));
        }
    }

    /// Whatever is pressed, going to JSON and back changes nothing.
    #[test]
    fn keys_never_break_a_form(schema in tool(), value in any_object(), ops in prop::collection::vec(op(), 0..80)) {
        let mut tree = Tree::with(&schema, value);
        for op in &ops {
            if let Some(value) = play(&mut tree, op) {
                prop_assert!(fits(&value, &schema));
            }
            prop_assert!(tree.at < tree.rows.len().max(1));
        }
        tree.drop_raw();
        let before = tree.value().to_string();
        tree.toggle_raw();
        tree.toggle_raw();
        prop_assert_eq!(tree.value().to_string(), before);
    }

    /// A schema that is no schema at all is no reason to fall.
    #[test]
    fn any_json_stands_for_a_schema(schema in any_value(), value in any_object(), ops in prop::collection::vec(op(), 0..30)) {
        let mut tree = Tree::with(&schema, value);
        for op in &ops {
            play(&mut tree, op);
        }
    }
}

#[test]
fn what_does_not_fit_is_not_sent_as_what_stood_there_before() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "number"}, "i": {"type": "integer"}}});
    let mut tree = Tree::with(&schema, json!({}));
    go(&mut tree, "n");
    write(&mut tree, "1e400");
    go(&mut tree, "i");
    write(&mut tree, "12x");
    assert_eq!(tree.value(), &json!({}));
    assert_eq!(tree.accept(), None);
    // As JSON it is what is shown; and what was typed is still there.
    tree.toggle_raw();
    assert_eq!(tree.raw.as_ref().map(|raw| raw.input.text()), Some("{}"));
    tree.toggle_raw();
    go(&mut tree, "i");
    assert_eq!(
        tree.row().and_then(|row| row.text()).map(|it| it.text()),
        Some("12x")
    );
}

#[test]
fn a_number_is_sent_with_its_digits_or_not_at_all() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "number"}}});
    for (typed, sent) in [
        ("0.12345678901234567890", None),
        ("123456789012345678901234567890", None),
        ("1.10", Some(json!(1.1))),
        ("1e3", Some(json!(1000.0))),
        ("0.000120", Some(json!(0.00012))),
        ("-0", Some(json!(0))),
        (".5", Some(json!(0.5))),
    ] {
        let mut tree = Tree::with(&schema, json!({}));
        go(&mut tree, "n");
        write(&mut tree, typed);
        let sent = sent.map(|n| json!({ "n": n }));
        assert_eq!(tree.accept(), sent, "{typed}");
    }
    let mut tree = Tree::with(&schema, json!({}));
    tree.toggle_raw();
    for (written, fits) in [
        ("0.12345678901234567890", false),
        ("1.50e2", true),
        ("-0", true),
    ] {
        tree.raw
            .as_mut()
            .expect("JSON")
            .input
            .set(&format!("{{\"n\": {written}}}"));
        assert_eq!(tree.accept().is_some(), fits, "{written}");
    }
}
