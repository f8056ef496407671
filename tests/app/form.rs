//! Forms from schemas: what is accepted fits the schema, and what the schema fills in comes back as it was.

use mcpdeck::app::composer::{Edit, Motion};
use mcpdeck::app::form::{FieldKey, Form, Format, Kind};
use mcpdeck::host::arguments;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn write(form: &mut Form, text: &str) {
    form.edit(Edit::Move(Motion::End));
    form.edit(Edit::Delete(Motion::Start));
    text.chars().for_each(|c| form.insert(c));
}

fn form(properties: Value, required: &[&str]) -> Form {
    Form::new(&json!({"type": "object", "properties": properties, "required": required}))
}

fn complaints(form: &Form) -> Vec<(&str, Option<&str>)> {
    form.fields
        .iter()
        .map(|field| (field.name.as_str(), field.says(form.tried)))
        .collect()
}

#[test]
fn every_kind_of_the_protocol_becomes_its_field() {
    let titled = json!([{"const": "#f00", "title": "Đỏ"}, {"const": "#0f0", "title": "绿"}]);
    let form = form(
        json!({
            "name": {"type": "string", "title": "Tên", "minLength": 2},
            "mail": {"type": "string", "format": "email"},
            "age": {"type": "integer", "minimum": 18, "maximum": 150},
            "share": {"type": "number"},
            "yes": {"type": "boolean", "default": true},
            "one": {"type": "string", "enum": ["a", "b"], "default": "b"},
            "named": {"type": "string", "oneOf": titled},
            "legacy": {"type": "string", "enum": ["x", "y"], "enumNames": ["Ex", "Why"]},
            "some": {"type": "array", "items": {"type": "string", "enum": ["p", "q"]}, "default": ["q", "p"]},
            "some_named": {"type": "array", "minItems": 1, "items": {"anyOf": titled}},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null},
            "deep": {"type": "object"},
        }),
        &["name"],
    );
    let kinds: Vec<&str> = form
        .fields
        .iter()
        .map(|field| match &field.kind {
            Kind::Text { .. } => "text",
            Kind::Number { .. } => "number",
            Kind::Flag(_) => "flag",
            Kind::One { .. } => "one",
            Kind::Many { .. } => "many",
            Kind::Json(_) => "json",
        })
        .collect();
    let expected = [
        "text", "text", "number", "number", "flag", "one", "one", "one", "many", "many", "text",
        "json",
    ];
    assert_eq!(kinds, expected);
    let titles = |at: usize| -> Vec<Option<&str>> {
        let options = form.fields[at].options().iter();
        options.map(|option| option.title.as_deref()).collect()
    };
    assert_eq!(titles(6), [Some("Đỏ"), Some("绿")]);
    assert_eq!(titles(7), [Some("Ex"), Some("Why")]);
    let words: Vec<Option<String>> = form.fields[..4].iter().map(|f| f.expected()).collect();
    assert_eq!(words[0].as_deref(), Some("at least 2 characters"));
    assert_eq!(words[1].as_deref(), Some(Format::Email.words()));
    assert_eq!(words[2].as_deref(), Some("a whole number, 18 to 150"));
    assert!(form.fields[0].required && !form.fields[1].required);
}

#[test]
fn what_is_wrong_is_said_as_one_types_and_what_is_missing_when_one_accepts() {
    let mut form = form(
        json!({
            "mail": {"type": "string", "format": "email"},
            "age": {"type": "integer", "minimum": 18},
            "code": {"type": "string", "pattern": "^[A-Z]+$", "maxLength": 3},
            "sure": {"type": "boolean"},
        }),
        &["mail", "sure"],
    );
    assert!(complaints(&form).iter().all(|(_, said)| said.is_none()));
    write(&mut form, "anh");
    let said = complaints(&form)[0].1;
    assert!(said.is_some_and(|said| said.contains("e-mail")), "{said:?}");
    write(&mut form, "anh@vi.example");
    assert_eq!(complaints(&form)[0].1, None);
    form.press(FieldKey::Next, 40);
    write(&mut form, "17");
    assert_eq!(complaints(&form)[1].1, Some("18 is the least"));
    write(&mut form, "a");
    assert!(
        complaints(&form)[1]
            .1
            .is_some_and(|said| said.contains("whole number"))
    );
    write(&mut form, "");
    form.press(FieldKey::Next, 40);
    write(&mut form, "ab");
    assert!(
        complaints(&form)[2]
            .1
            .is_some_and(|said| said.contains("^[A-Z]+$"))
    );
    write(&mut form, "ABCD");
    assert!(
        complaints(&form)[2]
            .1
            .is_some_and(|said| said.contains("3 characters at most"))
    );
    write(&mut form, "ABC");
    // What is needed and not there takes the keys.
    assert_eq!(form.accept(), None);
    assert_eq!(form.field().map(|field| field.name.as_str()), Some("sure"));
    assert_eq!(complaints(&form)[3].1, Some("yes or no is needed"));
    form.press(FieldKey::Right, 40);
    let expected = json!({"mail": "anh@vi.example", "code": "ABC", "sure": false});
    assert_eq!(form.accept(), Some(expected));
}

#[test]
fn arrows_go_through_options_and_fields_and_space_chooses() {
    let colours = json!({"enum": ["Red", "Green", "Blue"]});
    let mut form = form(
        json!({
            "one": {"type": "string", "enum": ["a", "b"]},
            "some": {"type": "array", "items": colours, "minItems": 1, "maxItems": 2},
            "text": {"type": "string"},
        }),
        &["some"],
    );
    assert!(!form.types());
    let press =
        |form: &mut Form, keys: &[FieldKey]| keys.iter().for_each(|key| form.press(*key, 40));
    use FieldKey::{Clear, Down, Previous, Toggle, Up};
    press(
        &mut form,
        &[Down, Toggle, Down, Toggle, Down, Toggle, Down, Toggle],
    );
    assert_eq!(complaints(&form)[1].1, Some("2 at most, and 3 chosen"));
    press(&mut form, &[Up, Toggle]);
    press(&mut form, &[Down, Down]);
    assert!(form.types());
    write(&mut form, "Xin chào 👋 你好");
    let expected = json!({"one": "b", "some": ["Red", "Blue"], "text": "Xin chào 👋 你好"});
    assert_eq!(form.accept(), Some(expected));
    // An optional choice is taken back by choosing it again, or by clearing it.
    press(&mut form, &[Previous, Clear]);
    assert_eq!(form.accept(), None);
    press(&mut form, &[Toggle, Previous, Toggle]);
    let expected = json!({"some": ["Red"], "text": "Xin chào 👋 你好"});
    assert_eq!(form.accept(), Some(expected));
}

#[test]
fn an_empty_text_is_left_out_unless_the_schema_says_that_it_may_be_one() {
    let text = json!({"type": "string"});
    let mut needed = form(json!({"a": text}), &["a"]);
    assert_eq!(needed.accept(), None);
    let mut optional = form(json!({"a": text}), &[]);
    assert_eq!(optional.accept(), Some(json!({})));
    let mut may = form(json!({"a": {"type": "string", "minLength": 0}}), &["a"]);
    assert_eq!(may.accept(), Some(json!({"a": ""})));
    let mut default = form(json!({"a": {"type": "string", "default": ""}}), &["a"]);
    assert_eq!(default.accept(), Some(json!({"a": ""})));
}

#[test]
fn a_default_that_nobody_edits_keeps_its_bytes_and_typed_text_is_composed() {
    let loose = "g\u{301}";
    let mut form = form(
        json!({
            "text": {"type": "string", "minLength": 2, "pattern": "^g\u{301}$", "default": loose},
            "deep": {"type": "object", "default": {"name": loose}},
            "typed": {"type": "string"},
        }),
        &["text", "deep", "typed"],
    );
    form.press(FieldKey::Next, 40);
    form.press(FieldKey::Next, 40);
    write(&mut form, loose);
    let expected = json!({"text": loose, "deep": {"name": loose}, "typed": "\u{1f5}"});
    assert_eq!(form.accept(), Some(expected));
    // Edited, it is typed text: one character now, and the pattern is for two.
    form.press(FieldKey::Next, 40);
    write(&mut form, "x");
    write(&mut form, "\u{1f5}x");
    assert_eq!(form.accept(), None);
}

#[test]
fn a_form_that_is_no_form_can_still_be_answered_or_declined() {
    for schema in [json!({}), json!(null), json!({"properties": 7}), json!([])] {
        assert_eq!(Form::new(&schema).accept(), Some(json!({})), "{schema}");
    }
    let many: Map<String, Value> = (0..500)
        .map(|n| (n.to_string(), json!({"type": "string"})))
        .collect();
    let mut huge = Form::new(&json!({"properties": many}));
    assert_eq!(huge.accept(), None);
    assert!(huge.complaint.is_some_and(|why| why.contains("500")));
    // A rule for the whole is checked too.
    let mut pair =
        Form::new(&json!({"properties": {"a": {"type": "boolean"}}, "minProperties": 1}));
    assert_eq!(pair.accept(), None);
    assert!(pair.complaint.is_some());
    pair.press(FieldKey::Toggle, 40);
    assert_eq!(pair.complaint, None);
    assert_eq!(pair.accept(), Some(json!({"a": true})));
}

#[test]
fn fields_that_ask_for_secrets_are_known() {
    let form = form(
        json!({
            "user": {"type": "string"},
            "db_password": {"type": "string"},
            "k": {"type": "string", "title": "API key"},
            "max_tokens": {"type": "integer"},
            "p": {"type": "string", "format": "password"},
        }),
        &[],
    );
    let secret: Vec<&str> = form
        .fields
        .iter()
        .filter(|field| field.secret)
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(secret, ["db_password", "k", "p"]);
}

/// A field's schema of the protocol's kinds with a default that fits it.
fn field() -> impl Strategy<Value = Value> {
    let text = "[a-zé漢👋 \u{301}]{0,6}";
    let words = prop::collection::btree_set("[a-zé漢]{1,4}", 1..5);
    let words = words.prop_map(|words| words.into_iter().collect::<Vec<_>>());
    prop_oneof![
        (text, 0usize..4, 0usize..4).prop_map(|(text, below, above)| {
            let count = text.chars().count();
            json!({"type": "string", "minLength": count.saturating_sub(below), "maxLength": count + above, "default": text})
        }),
        prop::sample::select(vec![
            ("email", "a@b.example"),
            ("uri", "https://example.com/x?y=z"),
            ("date", "2024-02-29"),
            ("date-time", "2026-07-28T09:30:00+07:00"),
        ])
        .prop_map(|(format, default)| json!({"type": "string", "format": format, "default": default})),
        (any::<i64>(), 0i64..100).prop_map(|(n, by)| {
            json!({"type": "integer", "minimum": n.saturating_sub(by), "default": n})
        }),
        (-1e9f64..1e9, 0f64..10.0)
            .prop_map(|(n, by)| json!({"type": "number", "minimum": n - by, "maximum": n + by, "default": n})),
        any::<bool>().prop_map(|yes| json!({"type": "boolean", "default": yes})),
        words.clone().prop_map(|words| json!({"type": "string", "enum": words, "default": words[0]})),
        words.clone().prop_map(|words| {
            let named: Vec<Value> = words.iter().map(|word| json!({"const": word, "title": word.to_uppercase()})).collect();
            json!({"type": "string", "oneOf": named, "default": words[words.len() - 1]})
        }),
        (words, any::<bool>()).prop_map(|(words, titled)| {
            let items = if titled {
                let named: Vec<Value> = words.iter().map(|word| json!({"const": word, "title": word})).collect();
                json!({"anyOf": named})
            } else {
                json!({"type": "string", "enum": words})
            };
            let chosen: Vec<&String> = words.iter().rev().step_by(2).collect();
            json!({"type": "array", "items": items, "minItems": chosen.len(), "maxItems": words.len(), "default": chosen})
        }),
    ]
}

/// A schema, and the object of its defaults.
fn schema() -> impl Strategy<Value = (Value, Value)> {
    prop::collection::vec((field(), any::<bool>()), 0..6).prop_map(|fields| {
        let mut properties = Map::new();
        let mut defaults = Map::new();
        let mut required = Vec::new();
        for (at, (field, needed)) in fields.into_iter().enumerate() {
            let name = format!("f{at}");
            defaults.insert(name.clone(), field["default"].clone());
            properties.insert(name.clone(), field);
            if needed {
                required.push(name);
            }
        }
        let schema = json!({"type": "object", "properties": properties, "required": required});
        (schema, Value::Object(defaults))
    })
}

#[derive(Debug, Clone)]
enum Act {
    Key(FieldKey),
    Type(String),
    Edit(Edit),
}

fn act() -> impl Strategy<Value = Act> {
    use FieldKey::{Clear, Down, Left, Next, Previous, Right, Toggle, Up};
    prop_oneof![
        3 => prop::sample::select(vec![Next, Previous, Up, Down, Left, Right, Toggle, Clear]).prop_map(Act::Key),
        2 => "[0-9a-zé漢.@:/ -]{1,6}".prop_map(Act::Type),
        1 => prop::sample::select(vec![
            Edit::Delete(Motion::Left),
            Edit::Delete(Motion::LineStart),
            Edit::Move(Motion::Left),
            Edit::Undo,
            Edit::Redo,
        ])
        .prop_map(Act::Edit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_schema_fills_in_comes_back_as_it_was((schema, defaults) in schema()) {
        prop_assert_eq!(arguments::check(&defaults.to_string(), &schema), Ok(()));
        let mut form = Form::new(&schema);
        let said: Vec<_> = form.fields.iter().map(|field| field.complaint.clone()).collect();
        prop_assert_eq!(form.accept(), Some(defaults), "{:?}", said);
    }

    /// Whatever the person does: a value is accepted only when it fits, and when none is, something says why.
    #[test]
    fn what_is_accepted_fits_the_schema((schema, _) in schema(), acts in prop::collection::vec(act(), 0..24), cols in 0usize..30) {
        let mut form = Form::new(&schema);
        for act in acts {
            match act {
                Act::Key(key) => form.press(key, cols),
                Act::Type(text) => text.chars().for_each(|c| form.insert(c)),
                Act::Edit(edit) => form.edit(edit),
            }
        }
        match form.accept() {
            Some(value) => {
                prop_assert_eq!(arguments::check(&value.to_string(), &schema), Ok(()));
                // The host looks at it once more before it is sent: both must agree.
                prop_assert!(mcpdeck::host::form::check(&schema, &value).is_ok(), "{value}");
                for (name, field) in schema["properties"].as_object().unwrap() {
                    let format = field.get("format").and_then(Value::as_str).and_then(Format::named);
                    if let (Some(format), Some(text)) = (format, value[name].as_str()) {
                        prop_assert!(format.fits(text), "{text}");
                    }
                }
            }
            None => {
                let said = form.fields.iter().any(|field| field.says(true).is_some());
                prop_assert!(said || form.complaint.is_some());
            }
        }
    }
}
