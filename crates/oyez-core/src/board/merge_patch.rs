//! Merge patches (RFC 7396): applied, and found.

use serde_json::{Map, Value};

/// Changes an object as a patch says: null removes a key, an object is merged, all else replaces.
pub fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, change) in patch {
        match change {
            Value::Null => drop(target.shift_remove(key)),
            Value::Object(change) => {
                let place = target.entry(key.as_str()).or_insert_with(|| Value::Object(Map::new()));
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                if let Value::Object(place) = place {
                    merge(place, change);
                }
            }
            change => drop(target.insert(key.clone(), change.clone())),
        }
    }
}

/// The patch that leads from one object to another, `{}` when they are equal. `None`: no patch does, because a key would
/// have to become null, which in a patch means that it goes.
pub fn diff(from: &Map<String, Value>, to: &Map<String, Value>) -> Option<Map<String, Value>> {
    let gone = from.keys().filter(|key| !to.contains_key(*key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, new) in to {
        let old = from.get(key);
        if old == Some(new) {
            continue;
        }
        let change = match (old, new) {
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(diff(old, new)?),
            (_, Value::Object(new)) => Value::Object(fresh(new)?),
            (_, Value::Null) => return None,
            // A list is replaced as it is: null in it is null.
            (_, new) => new.clone(),
        };
        patch.insert(key.clone(), change);
    }
    Some(patch)
}

/// An object as a patch that makes it; `None` when it holds a null.
fn fresh(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let each = object.iter().map(|(key, value)| {
        let value = match value {
            Value::Null => return None,
            Value::Object(inner) => Value::Object(fresh(inner)?),
            value => value.clone(),
        };
        Some((key.clone(), value))
    });
    each.collect()
}
