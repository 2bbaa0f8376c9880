//! `tidings application`.

use serde_json::{Map, Value, json};

use super::{
    pages,
    requests::{self, APPLICATION, with},
};
use crate::{
    cli::{ApplicationCommand, ApplicationFields, json_value},
    client::Client,
    failure::Failure,
    output::cell,
};

pub async fn run(command: ApplicationCommand) -> Result<(), Failure> {
    match command {
        ApplicationCommand::Add { name, fields, server } => {
            let mut input = input(&fields)?;
            input.insert("name".to_owned(), name.into());
            let client = Client::new(&server)?;
            let document = with(requests::ADD_APPLICATION, APPLICATION);
            let added = client.run_union(&document, json!({ "input": input })).await;
            let added = added.map_err(|failure| failure.naming_argument("--name", "<NAME>"))?;
            pages::print_one(&added, server.json);
        }
        ApplicationCommand::List { server } => {
            let client = Client::new(&server)?;
            let document = with(requests::GET_APPLICATIONS, APPLICATION);
            let (items, has_more) = pages::read(&client, &document, &json!({}), None).await?;
            pages::print(&items, has_more, server.json, &["NAME", "SCOPES", "ADDED"], |item| {
                ["name", "scopes", "added"].iter().map(|key| cell(&item[*key])).collect()
            });
        }
        ApplicationCommand::Show { name, server } => {
            let client = Client::new(&server)?;
            let document = with(requests::GET_APPLICATION, APPLICATION);
            let found = client.run(&document, json!({ "name": name })).await?;
            if found.is_null() {
                return Err(Failure::new(format!(
                    "there is no application `{name}`: `tidings application list` shows them"
                )));
            }
            pages::print_one(&found, server.json);
        }
        ApplicationCommand::Update { name, fields, clear, server } => {
            let mut input = input(&fields)?;
            requests::clear(&mut input, &clear, &CLEARED)?;
            let client = Client::new(&server)?;
            let document = with(requests::UPDATE_APPLICATION, APPLICATION);
            let variables = json!({ "name": name, "input": input });
            let updated = client.run_union(&document, variables).await?;
            pages::print_one(&updated, server.json);
        }
        ApplicationCommand::Remove { name, server } => {
            let client = Client::new(&server)?;
            let document = with(requests::DELETE_APPLICATION, APPLICATION);
            let removed = client.run_union(&document, json!({ "name": name })).await?;
            pages::print_done(
                &removed,
                server.json,
                &format!("removed {name}, its webhooks and its tokens"),
            );
        }
    }
    Ok(())
}

/// What `--clear` can name.
const CLEARED: [&str; 6] =
    ["scopes", "redirect-uris", "client-type", "access-levels", "token-lifetime-s", "jwt-profiles"];

fn input(fields: &ApplicationFields) -> Result<Map<String, Value>, Failure> {
    let mut input = Map::new();
    if !fields.scopes.is_empty() {
        input.insert("scopes".to_owned(), json!(fields.scopes));
    }
    if !fields.redirect_uris.is_empty() {
        input.insert("redirectUris".to_owned(), json!(fields.redirect_uris));
    }
    if let Some(client_type) = &fields.client_type {
        input.insert("clientType".to_owned(), client_type.clone().into());
    }
    if !fields.access_levels.is_empty() {
        input.insert("accessLevels".to_owned(), json!(fields.access_levels));
    }
    if let Some(seconds) = fields.token_lifetime_s {
        input.insert("tokenLifetimeS".to_owned(), json!(seconds));
    }
    if !fields.jwt_profiles.is_empty() {
        let profiles = fields.jwt_profiles.iter();
        let profiles = profiles.map(|text| json_value("jwt-profiles", text));
        let profiles: Vec<Value> = profiles.collect::<Result<_, _>>()?;
        input.insert("jwtProfiles".to_owned(), Value::Array(profiles));
    }
    Ok(input)
}
