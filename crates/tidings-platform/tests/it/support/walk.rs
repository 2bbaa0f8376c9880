//! Documents that are made from the schema: all that can be asked, whatever fields there will be.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{World, operator};

const INTROSPECTION: &str = "{ __schema { types { kind name possibleTypes { name }
    fields { name type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType {
        kind name } } } }";

/// The types of the schema by their names.
pub struct Walk {
    types: HashMap<String, Value>,
}

impl Walk {
    pub async fn of(world: &World) -> Walk {
        let schema = world.get(operator(), INTROSPECTION, Value::Null).await;
        let types = schema["types"].as_array().unwrap().iter();
        Walk { types: types.map(|it| (text(&it["name"]), it.clone())).collect() }
    }

    /// The fields of a type, each with the name of its type.
    pub fn fields(&self, of: &str) -> Vec<(String, String)> {
        let fields = self.types[of]["fields"].as_array().into_iter().flatten();
        fields.map(|field| (text(&field["name"]), named(&field["type"]))).collect()
    }

    /// All that can be selected of a type, as deep as that. Each field is called by its type and
    /// its name.
    pub fn selection(&self, of: &str, depth: usize) -> String {
        let one = &self.types[of];
        match one["kind"].as_str().unwrap() {
            "OBJECT" => {
                let mut parts = Vec::new();
                for (name, target) in self.fields(of) {
                    if depth > 0 || self.is_leaf(&target) {
                        let below = self.selection(&target, depth.saturating_sub(1));
                        parts.push(format!("{of}_{name}: {name} {below}"));
                    }
                }
                format!("{{ {} }}", parts.join(" "))
            }
            "UNION" => {
                let members = one["possibleTypes"].as_array().unwrap().iter();
                let members = members.map(|it| text(&it["name"]));
                let parts: Vec<String> = members
                    .map(|it| format!("... on {it} {}", self.selection(&it, depth)))
                    .collect();
                format!("{{ {} }}", parts.join(" "))
            }
            _ => String::new(),
        }
    }

    /// Every field without fields of its own that can be reached from the root, called as in
    /// [`Walk::selection`].
    pub fn leaves(&self, root: &str) -> BTreeSet<String> {
        let (mut leaves, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut left = vec![root.to_owned()];
        while let Some(of) = left.pop() {
            if !seen.insert(of.clone()) {
                continue;
            }
            let members = self.types[&of]["possibleTypes"].as_array().into_iter().flatten();
            left.extend(members.map(|it| text(&it["name"])));
            for (name, target) in self.fields(&of) {
                if self.is_leaf(&target) {
                    leaves.insert(format!("{of}_{name}"));
                } else {
                    left.push(target);
                }
            }
        }
        leaves
    }

    fn is_leaf(&self, name: &str) -> bool {
        matches!(self.types[name]["kind"].as_str().unwrap(), "SCALAR" | "ENUM")
    }
}

/// The fields of an answer that tell something: not null, and no empty list.
pub fn told(answer: &Value, told_of: &mut BTreeSet<String>) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_told = match value {
                    Value::Null | Value::Object(_) => false,
                    Value::Array(items) => items.iter().any(|item| !item.is_object()),
                    _ => true,
                };
                if is_told {
                    told_of.insert(name.clone());
                }
                told(value, told_of);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| told(item, told_of)),
        _ => {}
    }
}

fn named(of: &Value) -> String {
    if of["name"].is_null() { named(&of["ofType"]) } else { text(&of["name"]) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
