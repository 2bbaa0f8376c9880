//! Lists of the API, read page by page and printed.

use serde_json::{Value, json};

use crate::{client::Client, failure::Failure, output};

/// Pages that are followed; a list that is longer says so.
const PAGES_MAX: usize = 50;
const PAGE: u32 = 200;

/// Reads up to `count` items (`None`: all) of a document that takes `$first` and `$after` beside
/// `variables`. The second value says whether there are more.
pub async fn read(
    client: &Client,
    document: &str,
    variables: &Value,
    count: Option<u32>,
) -> Result<(Vec<Value>, bool), Failure> {
    let mut items = Vec::new();
    let mut after = Value::Null;
    for _ in 0..PAGES_MAX {
        let wanted = count.map_or(PAGE, |count| {
            let left = count.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
            left.min(PAGE)
        });
        if wanted == 0 {
            return Ok((items, true));
        }
        let mut asked = variables.clone();
        asked["first"] = json!(wanted);
        asked["after"] = after;
        let mut page = client.run(document, asked).await?;
        let has_next = page["hasNextPage"].as_bool().unwrap_or(false);
        after = page["endCursor"].take();
        if let Value::Array(found) = page["items"].take() {
            items.extend(found);
        }
        if !has_next {
            return Ok((items, false));
        }
    }
    Ok((items, true))
}

/// Prints the items: one object a line, or a table with these columns.
pub fn print(
    items: &[Value],
    has_more: bool,
    is_json: bool,
    headings: &[&str],
    row: impl Fn(&Value) -> Vec<String>,
) {
    if is_json {
        items.iter().for_each(|item| output::line(&item.to_string()));
        return;
    }
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    output::table(headings, &rows);
    if has_more {
        output::line("… and more: narrow the list down, or raise --first where there is one");
    }
}

/// Prints one object; for people a line that says what was done.
pub fn print_done(object: &Value, is_json: bool, line: &str) {
    output::line(&if is_json { object.to_string() } else { line.to_owned() });
}

/// Prints one object.
pub fn print_one(object: &Value, is_json: bool) {
    if is_json { output::line(&object.to_string()) } else { output::fields(object) }
}
