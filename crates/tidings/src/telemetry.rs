//! Log lines on stderr: one line an event, as text or as JSON, with every value escaped and cut.
//!
//!   event ─► fields ─► escape, cut ─► `time LEVEL target: message field=value` │ {"time": …}

use std::{
    fmt::{self, Write as _},
    io::Write as _,
};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt},
};

use crate::{
    cli::{LogFormat, LogOptions},
    clock,
    failure::{Failure, escape_controls},
};

/// Characters of one value that are written; what is longer is cut and says so.
const VALUE_CHARACTERS_MAX: usize = 2_048;
/// Fields of one event that are written.
const FIELDS_MAX: usize = 32;

/// Starts writing log lines. Once for the whole program.
pub fn start(options: &LogOptions) -> Result<(), Failure> {
    let wrong = |what: &str| {
        Failure::usage(format!(
            "--log-level `{}`: {what}: write error, warn, info, debug or trace, also for one part, \
             as in info,tidings_deliver=debug",
            options.log_level
        ))
    };
    if let Some(part) = options.log_level.split(',').find(|part| !is_level(part)) {
        return Err(wrong(&format!("`{part}` says no level")));
    }
    let filter =
        EnvFilter::try_new(&options.log_level).map_err(|error| wrong(&error.to_string()))?;
    let lines = Lines { format: options.log_format };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| Failure::new("the log was started twice: report this as a mistake of ours"))
}

/// A level, alone or for a part. Other words would be taken for the name of a part, and silence all
/// the others.
fn is_level(part: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let level = part.rsplit('=').next().unwrap_or_default().trim();
    LEVELS.iter().any(|known| level.eq_ignore_ascii_case(known))
}

struct Lines {
    format: LogFormat,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let about = event.metadata();
        let mut line = match self.format {
            LogFormat::Human => human(*about.level(), about.target(), &fields),
            LogFormat::Json => json(*about.level(), about.target(), fields),
        };
        line.push('\n');
        // One write for each line, so that lines of two threads never mix. A closed stderr is no
        // reason to stop delivering.
        let _closed = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn human(level: Level, target: &str, fields: &Fields) -> String {
    let mut line = format!("{} {level:>5} {target}: {}", clock::wall(), fields.message);
    for (name, value) in &fields.others {
        let shown = match value {
            Value::String(text) => escape_controls(text),
            other => other.to_string(),
        };
        let _infallible = write!(line, " {name}={shown}");
    }
    line
}

fn json(level: Level, target: &str, fields: Fields) -> String {
    let mut line = Map::new();
    line.insert("time".to_owned(), clock::wall().iso().into());
    line.insert("level".to_owned(), level.as_str().to_lowercase().into());
    line.insert("target".to_owned(), target.into());
    line.insert("message".to_owned(), fields.message.into());
    line.extend(fields.others);
    Value::Object(line).to_string()
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(String, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        if self.others.len() < FIELDS_MAX {
            self.others.push((field.name().to_owned(), value));
        }
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        let text = escape_controls(&cut(text));
        match field.name() {
            "message" => self.message = text,
            _ => self.put(field, text.into()),
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        let text = escape_controls(&cut(text));
        Fields { message: text.clone(), others: vec![("url".to_owned(), text.into())] }
    }

    #[test]
    fn a_hostile_value_stays_on_its_line_and_steers_nothing() {
        let hostile = "a\r\n\u{1b}[2J\u{202E}b";
        let line = human(Level::INFO, "tidings", &fields(hostile));
        assert!(!line.contains(['\r', '\n', '\u{1b}', '\u{202E}']), "{line}");
        let line = json(Level::INFO, "tidings", fields(hostile));
        assert!(!line.contains(['\r', '\n', '\u{1b}', '\u{202E}']), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["url"], "a\\u{d}\\u{a}\\u{1b}[2J\\u{202e}b");
    }

    #[test]
    fn a_long_value_is_cut() {
        let line = human(Level::INFO, "tidings", &fields(&"ŵ".repeat(1_000_000)));
        assert!(line.len() < 20_000, "{}", line.len());
        assert!(line.contains("(2000000 bytes)"));
    }
}
