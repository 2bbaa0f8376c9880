//! `tidings provider`.

use serde_json::{Map, Value, json};

use super::{
    pages,
    requests::{self, PROVIDER, with},
};
use crate::{
    cli::{ProviderCommand, ProviderFields, ServerOptions},
    client::Client,
    failure::Failure,
    output::cell,
};

pub async fn run(command: ProviderCommand) -> Result<(), Failure> {
    match command {
        ProviderCommand::Add { code, fields, server } => add(&code, &fields, &server).await,
        ProviderCommand::List { sector, server } => {
            let client = Client::new(&server)?;
            let document = with(requests::GET_PROVIDERS, PROVIDER);
            let found = client.run(&document, json!({ "sector": sector })).await?;
            let items = found.as_array().cloned().unwrap_or_default();
            let headings = ["CODE", "NAME", "SECTOR", "COLLECTS", "QUICK CHECK"];
            pages::print(&items, false, server.json, &headings, row);
            Ok(())
        }
        ProviderCommand::Show { code, server } => {
            let client = Client::new(&server)?;
            let found = find(&client, &code).await?;
            pages::print_one(&found, server.json);
            Ok(())
        }
        ProviderCommand::Update { code, fields, server } => update(&code, &fields, &server).await,
        ProviderCommand::Remove { code, server } => {
            let client = Client::new(&server)?;
            let document = with(requests::DELETE_PROVIDER, PROVIDER);
            let removed = client.run_union(&document, json!({ "code": code })).await?;
            pages::print_done(
                &removed,
                server.json,
                &format!("removed {code}; what was linked to it still shows it"),
            );
            Ok(())
        }
    }
}

fn row(item: &Value) -> Vec<String> {
    let capabilities = &item["capabilities"];
    let shown = [
        &item["code"],
        &item["name"],
        &item["sector"],
        &capabilities["automatedDataCollection"],
        &capabilities["quickCheck"],
    ];
    shown.into_iter().map(cell).collect()
}

async fn add(code: &str, fields: &ProviderFields, server: &ServerOptions) -> Result<(), Failure> {
    let mut input = input(fields);
    input.insert("code".to_owned(), code.into());
    for (field, option) in [("name", "--name"), ("sector", "--sector")] {
        if !input.contains_key(field) {
            let help = "see `tidings provider add --help`";
            return Err(Failure::usage(format!("{option} is missing: {help}")));
        }
    }
    // What nobody names, the provider's adapter is not asked for.
    let capabilities = capabilities(fields, &json!({}));
    input.insert("capabilities".to_owned(), capabilities);
    let client = Client::new(server)?;
    let document = with(requests::ADD_PROVIDER, PROVIDER);
    let added = client.run_union(&document, json!({ "input": input })).await;
    let added = added.map_err(|failure| failure.naming_argument("--code", "<CODE>"))?;
    pages::print_one(&added, server.json);
    Ok(())
}

async fn update(
    code: &str,
    fields: &ProviderFields,
    server: &ServerOptions,
) -> Result<(), Failure> {
    let mut input = input(fields);
    let client = Client::new(server)?;
    if fields.automated_data_collection.is_some() || fields.quick_check.is_some() {
        // The API takes both together; the one that is not named stays.
        let present = find(&client, code).await?;
        let capabilities = capabilities(fields, &present["capabilities"]);
        input.insert("capabilities".to_owned(), capabilities);
    }
    if input.is_empty() {
        return Err(Failure::usage(
            "nothing is to change: name a field, see `tidings provider update --help`",
        ));
    }
    let document = with(requests::UPDATE_PROVIDER, PROVIDER);
    let updated = client.run_union(&document, json!({ "code": code, "input": input })).await?;
    pages::print_one(&updated, server.json);
    Ok(())
}

async fn find(client: &Client, code: &str) -> Result<Value, Failure> {
    let document = with(requests::GET_PROVIDER, PROVIDER);
    let found = client.run(&document, json!({ "code": code })).await?;
    if found.is_null() {
        return Err(Failure::new(format!(
            "there is no provider `{code}`: `tidings provider list` shows them"
        )));
    }
    Ok(found)
}

fn input(fields: &ProviderFields) -> Map<String, Value> {
    let mut input = Map::new();
    if let Some(name) = &fields.name {
        input.insert("name".to_owned(), name.clone().into());
    }
    if let Some(url) = &fields.adapter_url {
        // An empty one clears it.
        let url = Some(url.as_str()).filter(|url| !url.is_empty());
        input.insert("adapterUrl".to_owned(), url.into());
    }
    if let Some(sector) = &fields.sector {
        input.insert("sector".to_owned(), sector.clone().into());
    }
    input
}

/// Both capabilities: as the options say, else as they are, else not there.
fn capabilities(fields: &ProviderFields, present: &Value) -> Value {
    let of = |wanted: Option<bool>, name: &str| {
        wanted.unwrap_or_else(|| present[name].as_bool().unwrap_or(false))
    };
    json!({
        "automatedDataCollection":
            of(fields.automated_data_collection, "automatedDataCollection"),
        "quickCheck": of(fields.quick_check, "quickCheck"),
    })
}
