//! `tidings webhook`.

use serde_json::{Map, Value, json};

use super::{
    delivery, pages,
    requests::{self, DELIVERY, PREVIEW, WEBHOOK, WEBHOOK_REMOVED, with},
};
use crate::{
    cli::{ServerOptions, WebhookCommand, WebhookFields, from_file, json_value, list_items},
    client::{Client, option_of},
    failure::Failure,
    output::{self, cell},
};

pub async fn run(command: WebhookCommand) -> Result<(), Failure> {
    match command {
        WebhookCommand::Add { application, fields, server } => {
            add(application, &fields, &server).await
        }
        WebhookCommand::List { application, trigger, status, server } => {
            list(application, trigger, &status, &server).await
        }
        WebhookCommand::Show { id, server } => {
            change(requests::GET_WEBHOOK, json!({ "id": id }), &server).await
        }
        WebhookCommand::Update { id, fields, clear, server } => {
            let variables = json!({ "id": id, "input": changes(&fields, &clear)? });
            change(requests::UPDATE_WEBHOOK, variables, &server).await
        }
        WebhookCommand::Remove { id, server } => {
            let client = Client::new(&server)?;
            let document = with(requests::DELETE_WEBHOOK, WEBHOOK_REMOVED);
            let removed = client.run_union(&document, json!({ "id": id })).await?;
            pages::print_done(
                &removed,
                server.json,
                &format!("removed webhook {id}; what waited for it is cancelled"),
            );
            Ok(())
        }
        WebhookCommand::Pause { id, server } => {
            change(requests::PAUSE_WEBHOOK, json!({ "id": id }), &server).await
        }
        WebhookCommand::Resume { id, server } => {
            change(requests::RESUME_WEBHOOK, json!({ "id": id }), &server).await
        }
        WebhookCommand::Test { id, entity, trigger, server } => {
            test(&id, &entity, trigger, &server).await
        }
        WebhookCommand::Preview {
            id,
            entity_after_id,
            entity,
            trigger,
            application,
            fields,
            server,
        } => {
            let client = Client::new(&server)?;
            let entity = entity_after_id.or(entity).ok_or_else(|| {
                Failure::usage("the entity is missing: `tidings webhook preview ID ENTITY`")
            })?;
            let mut input = input(&fields)?;
            if let Some(application) = application {
                input.insert("application".to_owned(), application.into());
            }
            // Of a webhook that does not exist yet --trigger may also say what it listens to.
            if let (None, Some(trigger), false) = (&id, &trigger, input.contains_key("triggers")) {
                input.insert("triggers".to_owned(), json!([trigger]));
            }
            preview(&client, id, &entity, trigger, input, &server).await
        }
    }
}

/// The input of an update: what is set, and what is cleared.
fn changes(fields: &WebhookFields, clear: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut input = input(fields)?;
    if clear.iter().any(|name| name == "key") {
        return Err(Failure::usage(
            "--clear key would turn signing off: write --unsigned if that is meant, or --key with \
             another key to change it",
        ));
    }
    requests::clear(&mut input, clear, &CLEARABLE)?;
    if input.is_empty() {
        return Err(Failure::usage(
            "nothing is to change: name a field, see `tidings webhook update --help`",
        ));
    }
    Ok(input)
}

const CLEARABLE: [&str; 9] = [
    "query",
    "queries",
    "variables",
    "timeout-ms",
    "success",
    "retry",
    "payload",
    "headers",
    "errors",
];

async fn add(
    application: Option<String>,
    fields: &WebhookFields,
    server: &ServerOptions,
) -> Result<(), Failure> {
    let mut input = input(fields)?;
    if let Some(application) = application {
        input.insert("application".to_owned(), application.into());
    }
    for (field, option) in [("name", "--name"), ("triggers", "--triggers"), ("url", "--url")] {
        if !input.contains_key(field) {
            return Err(Failure::usage(format!(
                "{option} is missing: see `tidings webhook add --help`"
            )));
        }
    }
    let client = Client::new(server)?;
    let document = with(requests::ADD_WEBHOOK, WEBHOOK);
    let added = client.run_union(&document, json!({ "input": input })).await?;
    if server.json {
        output::line(&added.to_string());
        return Ok(());
    }
    print(&added["webhook"], false);
    if added["key"].is_string() {
        output::line("");
        output::line("the shared key, shown once and in two spellings of the same bytes:");
        output::line(&format!("  key                     {}", cell(&added["key"])));
        let whsec = cell(&added["standardWebhooksSecret"]);
        output::line(&format!("  standardWebhooksSecret  {whsec}"));
    }
    Ok(())
}

async fn list(
    application: Option<String>,
    trigger: Option<String>,
    status: &[String],
    server: &ServerOptions,
) -> Result<(), Failure> {
    let mut filter = Map::new();
    for (field, value) in [("application", application), ("trigger", trigger)] {
        if let Some(value) = value {
            filter.insert(field.to_owned(), value.into());
        }
    }
    if !status.is_empty() {
        filter.insert("status".to_owned(), json!(status));
    }
    let client = Client::new(server)?;
    let document = with(requests::GET_WEBHOOKS, WEBHOOK);
    let variables = json!({ "filter": filter });
    let (items, has_more) = pages::read(&client, &document, &variables, None).await?;
    let headings = ["ID", "APPLICATION", "NAME", "STATUS", "TRIGGERS", "WAITING", "URL"];
    pages::print(&items, has_more, server.json, &headings, |item| {
        let mut row: Vec<String> = ["id", "application", "name", "status", "triggers"]
            .iter()
            .map(|key| cell(&item[*key]))
            .collect();
        row.push(cell(&item["health"]["waiting"]));
        row.push(without_secrets(&cell(&item["url"])));
        row
    });
    Ok(())
}

/// A URL as lists show it: path and query string may hold a receiver's secrets. `webhook show` has
/// all of it.
fn without_secrets(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(parsed) if parsed.path() == "/" && parsed.query().is_none() => {
            parsed.origin().ascii_serialization()
        }
        Ok(parsed) => format!("{}/…", parsed.origin().ascii_serialization()),
        Err(_) => "-".to_owned(),
    }
}

/// Runs a document that gives a webhook, and prints it.
async fn change(document: &str, variables: Value, server: &ServerOptions) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let webhook = client.run_union(&with(document, WEBHOOK), variables).await?;
    print(&webhook, server.json);
    Ok(())
}

/// Prints a webhook; for people with its warnings below it.
fn print(webhook: &Value, is_json: bool) {
    let mut fields = webhook.clone();
    let warnings = fields.as_object_mut().and_then(|fields| fields.shift_remove("warnings"));
    if is_json {
        return output::line(&webhook.to_string());
    }
    output::fields(&fields);
    for warning in warnings.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let (path, message) = (cell(&warning["path"]), cell(&warning["message"]));
        output::line(&format!("warning: {}: {message}", option_of(&path)));
    }
}

async fn test(
    id: &str,
    entity: &str,
    trigger: Option<String>,
    server: &ServerOptions,
) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let trigger = match trigger {
        Some(trigger) => trigger,
        None => first_trigger(&client, id).await?,
    };
    let variables = json!({ "id": id, "trigger": trigger, "entity": entity });
    let tested = client.run_union(&with(requests::TEST_WEBHOOK, DELIVERY), variables).await?;
    if server.json {
        output::line(&tested.to_string())
    } else {
        delivery::print(&tested)
    }
    if tested["state"] == "DELIVERED" {
        return Ok(());
    }
    let last = tested["attempts"].as_array().and_then(|attempts| attempts.last());
    let why = match last {
        Some(attempt) if attempt["status"].is_u64() => format!("status {}", attempt["status"]),
        Some(attempt) => cell(&attempt["error"]),
        None => cell(&tested["reason"]),
    };
    Err(Failure::new(format!(
        "the test was not a success: {why}: mend the receiver, or see `tidings delivery show {}`",
        cell(&tested["id"])
    )))
}

async fn preview(
    client: &Client,
    id: Option<String>,
    entity: &str,
    trigger: Option<String>,
    input: Map<String, Value>,
    server: &ServerOptions,
) -> Result<(), Failure> {
    let trigger = match (trigger, &id) {
        (Some(trigger), _) => trigger,
        (None, Some(id)) => first_trigger(client, id).await?,
        (None, None) => input
            .get("triggers")
            .and_then(|triggers| triggers[0].as_str())
            .map(str::to_owned)
            .ok_or_else(|| Failure::usage("--triggers is missing: name what it listens to"))?,
    };
    let input = if input.is_empty() { Value::Null } else { Value::Object(input) };
    let variables = json!({ "id": id, "input": input, "trigger": trigger, "entity": entity });
    let document = with(requests::PREVIEW_WEBHOOK, PREVIEW);
    let preview = client.run_union(&document, variables).await?;
    if server.json {
        output::line(&preview.to_string());
        return Ok(());
    }
    output::line(&format!("POST {}", cell(&preview["url"])));
    for header in preview["headers"].as_array().into_iter().flatten() {
        output::line(&format!("{}: {}", cell(&header["name"]), cell(&header["value"])));
    }
    output::line("");
    // As it would be sent: a prettier body would not fit the signature.
    output::line(preview["body"].as_str().unwrap_or_default());
    Ok(())
}

async fn first_trigger(client: &Client, id: &str) -> Result<String, Failure> {
    let document = with(requests::GET_WEBHOOK, "triggers");
    let webhook = client.run_union(&document, json!({ "id": id })).await?;
    let first = webhook["triggers"][0].as_str().map(str::to_owned);
    first.ok_or_else(|| Failure::new(format!("webhook {id} listens to nothing: name --trigger")))
}

/// The input object, as far as options were given.
fn input(fields: &WebhookFields) -> Result<Map<String, Value>, Failure> {
    let mut input = Map::new();
    for (option, field, value) in [
        ("name", "name", &fields.name),
        ("source", "source", &fields.source),
        ("url", "url", &fields.url),
        ("query", "query", &fields.query),
        ("key", "key", &fields.key),
    ] {
        if let Some(value) = value {
            input.insert(field.to_owned(), from_file(option, value)?.into());
        }
    }
    if fields.unsigned && input.insert("key".to_owned(), Value::Null).is_some() {
        let why = "--unsigned contradicts --key: leave one of them out";
        return Err(Failure::usage(why));
    }
    for (option, value) in [("success", &fields.success), ("payload", &fields.payload)] {
        if let Some(value) = value {
            input.insert(option.to_owned(), value.clone().into());
        }
    }
    for (option, value) in [("variables", &fields.variables), ("retry", &fields.retry)] {
        if let Some(value) = value {
            input.insert(option.to_owned(), json_value(option, value)?);
        }
    }
    if let Some(timeout_ms) = fields.timeout_ms {
        input.insert("timeoutMs".to_owned(), json!(timeout_ms));
    }
    if !fields.triggers.is_empty() {
        input.insert("triggers".to_owned(), json!(fields.triggers));
    }
    for (option, items, first, second) in [
        ("queries", &fields.queries, "trigger", "query"),
        ("headers", &fields.headers, "name", "value"),
        ("errors", &fields.errors, "code", "action"),
    ] {
        if !items.is_empty() {
            let values = list_items(option, items, first, second)?;
            input.insert(option.to_owned(), Value::Array(values));
        }
    }
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_show_where_a_webhook_goes_without_what_may_be_secret() {
        for (url, shown) in [
            ("https://example.com/hook/T0/s3cret?token=s3cret", "https://example.com/…"),
            ("https://example.com:8443/?k=s3cret", "https://example.com:8443/…"),
            ("https://example.com/", "https://example.com"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }

    #[test]
    fn options_become_the_input_of_the_api() {
        let fields = WebhookFields {
            name: Some("switches".to_owned()),
            triggers: vec!["UserAdded".to_owned()],
            success: Some("ANY_2XX".to_owned()),
            retry: Some(r#"{"delaysS":[1]}"#.to_owned()),
            headers: vec!["x-team=energy".to_owned()],
            errors: vec!["NOT_FOUND=DROP".to_owned()],
            timeout_ms: Some(5_000),
            unsigned: true,
            ..WebhookFields::default()
        };
        assert_eq!(
            Value::Object(input(&fields).unwrap()),
            json!({
                "name": "switches", "key": null, "success": "ANY_2XX", "retry": {"delaysS": [1]},
                "timeoutMs": 5000, "triggers": ["UserAdded"],
                "headers": [{"name": "x-team", "value": "energy"}],
                "errors": [{"code": "NOT_FOUND", "action": "DROP"}],
            })
        );
        let both = WebhookFields { key: Some("k".to_owned()), ..fields };
        assert!(input(&both).is_err());
    }
}
