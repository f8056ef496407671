//! `lint`: what is said of a server, what fails a CI run, and the baseline of the tools' definitions.

use crate::deck::{Deck, Ran, quoted};

const GOOD: &str = "[[tools]]\nname = 'look_up'\ndescription = 'Looks a price up.'\ninputSchema = { type = 'object' }\n";

/// A server with something of each level against it.
const FLAWED: &str = "capabilities = { tools = {} }\n[start]\nstdout = ['Shop ready!']\n[[tools]]\nname = 'shop.look'\ninputSchema = { type = 'object', properties = { a = { type = 'strin' } } }\n[[on]]\nmethod = 'prompts/list'\nresult = { prompts = [{ name = 'greet' }] }\n";

fn deck() -> Deck {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    deck.scripted("good", GOOD, "");
    deck.scripted("flawed", FLAWED, "");
    deck
}

/// The rules that were broken, as the JSON has them.
fn rules(ran: &Ran) -> Vec<String> {
    let document = ran.json();
    let findings = document["findings"].as_array().expect("findings").clone();
    let id = |found: &serde_json::Value| found["rule"].as_str().expect("an id").to_owned();
    findings.iter().map(id).collect()
}

#[test]
fn each_finding_has_its_rule_its_source_and_a_fix() {
    let deck = deck();
    let ran = deck.run(&["lint", "flawed"]).expect(1);
    deck.snapshot("lint", &ran.out);
    let good = deck.run(&["lint", "good"]).expect(0);
    assert_eq!(
        good.out,
        "good: ready, 2025-11-25, 1 tool: nothing to say\n"
    );
}

#[test]
fn the_level_and_the_rules_that_count_are_the_persons_to_choose() {
    let deck = deck();
    let errors = deck
        .run(&["lint", "flawed", "--level", "error", "--json"])
        .expect(1);
    assert_eq!(
        rules(&errors),
        ["stdout-noise", "there-not-declared", "invalid-schema"]
    );
    let notes = deck
        .run(&["lint", "flawed", "--level", "note", "--json"])
        .expect(1);
    assert!(
        rules(&notes).iter().any(|id| id == "list-changed-silent"),
        "{notes}"
    );
    let mut args = vec!["lint", "flawed", "--level", "error"];
    for id in ["stdout-noise", "there-not-declared", "invalid-schema"] {
        args.extend(["--ignore", id]);
    }
    deck.run(&args).expect(0);
    deck.run(&["lint", "flawed", "--ignore", "no-such-rule"])
        .expect(2);
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_cause_and_a_fix() {
    let deck = Deck::new("");
    deck.scripted(
        "ends",
        "[start]\nstderr = ['SHOP_TOKEN is not set']\nexit = 1\n",
        "",
    );
    let ran = deck.run(&["lint", "ends"]).expect(3);
    for expected in [
        "error    does-not-start  server: ",
        "SHOP_TOKEN is not set\n",
        "fix: add `env_vars = [\"SHOP_TOKEN\"]`",
    ] {
        assert!(ran.out.contains(expected), "no {expected:?} in {ran}");
    }
    deck.run(&["lint", "ends", "--write-baseline", "tools.json"])
        .expect(3);
    assert!(!deck.home.work().join("tools.json").exists());
}

#[test]
fn a_command_needs_no_configuration_and_gets_the_variable_that_it_is_given() {
    let deck = Deck::new("");
    let script = deck.home.write(
        "shop.script.toml",
        "[start]\nstderr = ['SHOP_TOKEN is not set']\nexit = 1\n",
    );
    let script = script.to_string_lossy().into_owned();
    let args = ["lint", "--", crate::deck::BIN, "serve", "scripted", &script];
    let ran = deck.run(&args).expect(3);
    assert!(
        ran.out
            .contains("fix: give it the variable: --env SHOP_TOKEN=VALUE"),
        "{ran}"
    );
}

#[test]
fn a_tool_that_is_not_as_in_the_baseline_fails_the_run_and_is_shown() {
    let deck = deck();
    deck.run(&["lint", "good", "--write-baseline", "tools.json"])
        .expect(0);
    let same = deck
        .run(&["lint", "good", "--baseline", "tools.json"])
        .expect(0);
    assert!(same.out.ends_with("nothing to say\n"), "{same}");
    let other = GOOD.replace("a price", "any price")
        + "[[tools]]\nname = 'sell'\ndescription = 'Sells.'\ninputSchema = { type = 'object' }\n";
    deck.home.write("good.script.toml", &other);
    let ran = deck
        .run(&["lint", "good", "--baseline", "tools.json"])
        .expect(1);
    deck.snapshot("lint_drift", &ran.out);
    let json = deck
        .run(&["lint", "good", "--baseline", "tools.json", "--json"])
        .expect(1)
        .json();
    assert_eq!(json["drift"][0]["change"], "changed");
    assert_eq!(json["drift"][1]["tool"], "sell");
    deck.home.write("tools.json", "{}");
    let ran = deck
        .run(&["lint", "good", "--baseline", "tools.json"])
        .expect(2);
    assert!(ran.err.contains("cannot read tools.json"), "{ran}");
}

#[test]
fn prompts_resources_and_templates_drift_too() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let offers = |prompt: &str, uri: &str| {
        format!(
            "capabilities = {{ prompts = {{}}, resources = {{}} }}\n[[on]]\nmethod = 'prompts/list'\nresult = {{ prompts = [{{ name = 'greet', description = '{prompt}' }}] }}\n[[on]]\nmethod = 'resources/list'\nresult = {{ resources = [{{ uri = '{uri}', name = 'a' }}] }}\n[[on]]\nmethod = 'resources/templates/list'\nresult = {{ resourceTemplates = [] }}\n"
        )
    };
    deck.scripted("s", &offers("Greets.", "mem://a"), "");
    let written = deck
        .run(&["lint", "s", "--write-baseline", "all.json"])
        .expect(0);
    assert!(
        written.err.contains("0 tools, 1 resource, 1 prompt"),
        "{written}"
    );
    deck.run(&["lint", "s", "--baseline", "all.json"]).expect(0);
    deck.home
        .write("s.script.toml", &offers("Greets warmly.", "mem://b"));
    let ran = deck.run(&["lint", "s", "--baseline", "all.json"]).expect(1);
    for expected in [
        "drift    resource mem://a went\n",
        "drift    resource mem://b came\n",
        "drift    prompt greet changed\n  description\n",
        "2 resources, 1 prompt otherwise than in the baseline\n",
    ] {
        assert!(ran.out.contains(expected), "no {expected:?} in {ran}");
    }
    let args = ["lint", "s", "--baseline", "all.json", "--json"];
    let json = deck.run(&args).expect(1).json();
    assert_eq!(json["drift"][2]["prompt"], "greet");
    assert_eq!(json["drift"][2]["differences"][0]["part"], "description");
}

#[test]
fn a_good_baseline_is_not_replaced_by_what_is_not_known() {
    let deck = deck();
    deck.run(&["lint", "good", "--write-baseline", "tools.json"])
        .expect(0);
    let path = deck.home.work().join("tools.json");
    let before = std::fs::read_to_string(&path).expect("a baseline");
    let refuses = "[[on]]\nmethod = 'tools/list'\nerror = { code = -32000, message = 'boom' }\n";
    deck.home.write("good.script.toml", refuses);
    let ran = deck
        .run(&["lint", "good", "--write-baseline", "tools.json"])
        .expect(3);
    assert!(
        ran.err.contains("tools.json is not written") && ran.err.contains("boom"),
        "{ran}"
    );
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), before);
}

#[test]
fn nothing_is_pinned_by_a_look() {
    let deck = deck();
    deck.run(&["lint", "good"]).expect(0);
    let pins = deck.home.data_dir().join("pins.json");
    assert!(!pins.exists(), "{}", quoted(&pins.to_string_lossy()));
}
