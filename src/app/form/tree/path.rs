//! A place in a JSON value, and the value there: looked up, set, taken out.
//!
//! Pure. Keys keep their places: what is set anew where it stood stays there, what is taken out moves nothing else.

use serde_json::Value;

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into an object.
    Key(String),
    /// Into an array.
    Item(usize),
}

/// The steps from the whole to a place in it.
pub type Path = Vec<Step>;

/// The value at a place.
pub(super) fn get<'a>(whole: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(whole, |value, step| match step {
        Step::Key(key) => value.as_object()?.get(key),
        Step::Item(at) => value.as_array()?.get(*at),
    })
}

fn get_mut<'a>(whole: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(whole, |value, step| match step {
        Step::Key(key) => value.as_object_mut()?.get_mut(key),
        Step::Item(at) => value.as_array_mut()?.get_mut(*at),
    })
}

/// Sets the value at a place whose surroundings are there. A new key goes before those that follow it in `order`, a new item to
/// the end.
pub(super) fn set(whole: &mut Value, path: &[Step], value: Value, order: &[String]) {
    let Some((last, before)) = path.split_last() else {
        *whole = value;
        return;
    };
    match (get_mut(whole, before), last) {
        (Some(Value::Object(object)), Step::Key(key)) => {
            if let Some(known) = object.get_mut(key) {
                *known = value;
                return;
            }
            let place = order.iter().position(|known| known == key);
            let behind = place.map_or(&[][..], |at| &order[at..]);
            let at = object.keys().position(|known| behind.contains(known));
            object.shift_insert(at.unwrap_or(object.len()), key.clone(), value);
        }
        (Some(Value::Array(items)), Step::Item(at)) => match items.get_mut(*at) {
            Some(known) => *known = value,
            None => items.push(value),
        },
        _ => {}
    }
}

/// Takes out what stands at a place.
pub(super) fn remove(whole: &mut Value, path: &[Step]) {
    let Some((last, before)) = path.split_last() else {
        return;
    };
    match (get_mut(whole, before), last) {
        (Some(Value::Object(object)), Step::Key(key)) => {
            object.shift_remove(key);
        }
        (Some(Value::Array(items)), Step::Item(at)) if *at < items.len() => {
            items.remove(*at);
        }
        _ => {}
    }
}

/// The place as a JSON Pointer (RFC 6901), as the schema's checker names it.
pub(super) fn pointer(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Step::Item(at) => format!("/{at}"),
    };
    path.iter().map(step).collect()
}
