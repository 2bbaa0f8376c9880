//! `tidings migrate`.

use serde_json::json;

use crate::{cli::Migrate, config::Config, failure::Failure, output, wiring};

pub async fn run(options: Migrate) -> Result<(), Failure> {
    let config = Config::read(&options.config.overrides())?;
    let (before, after) = wiring::migrate(&config.database).await?;
    if options.json {
        output::line(&json!({ "before": before, "after": after }).to_string());
        return Ok(());
    }
    let database = &config.database;
    output::line(&match before {
        0 => format!("made {database} with schema version {after}"),
        before if before == after => {
            format!("{database} has schema version {after} already: nothing to do")
        }
        before => format!("{database}: from schema version {before} to {after}"),
    });
    Ok(())
}
