//! The GraphQL documents of the commands, and their variables. The API's objects are asked for
//! whole, so that `--json` prints all of them.

use serde_json::{Map, Value};

use crate::failure::Failure;

/// What is asked of an `OperationFailure`.
const FAILURE: &str =
    "... on OperationFailure { code description problems { path message line column } }";

pub const APPLICATION: &str = "name scopes redirectUris clientType accessLevels tokenLifetimeS \
    jwtProfiles { name algorithms issuer audience maxScopes publicKey jwksUrl } added updated";
/// A webhook that is gone has no health.
pub const WEBHOOK_REMOVED: &str = "id application name source triggers url status added updated";
pub const WEBHOOK: &str = "id application name source triggers url query \
    queries { trigger query } variables timeoutMs success retry { delaysS horizonS } payload \
    headers { name value } errors { code action } status statusReason keyFingerprint added updated \
    health { breakerOpen consecutiveFailures waiting oldestDue lastSuccess } \
    warnings { path message }";
pub const DELIVERY_ROW: &str = "id event { id trigger entity source application date } \
    webhook { id name application url } state reason due deadline payloadBytes replayOf test \
    added finished";
pub const DELIVERY: &str = "id event { id trigger entity source application date variables } \
    webhook { id name application url } state reason due deadline payload payloadBytes replayOf \
    test attempts { number started durationMs outcome status error requestHeaders { name value } \
    responseHeaders { name value } responseBody responseBodyTruncated } added finished";
pub const TOKEN: &str = "id application kind user scopes added expires revoked";
pub const TOKEN_REVOKED: &str = "id revoked";
pub const TOKEN_ADDED: &str = "id token scopes expires";
pub const PREVIEW: &str = "url headers { name value } body bytes cost durationMs";

pub const ADD_APPLICATION: &str = "mutation($input: AddApplicationInput!) { \
    addApplication(input: $input) { __typename ... on Application { # } FAILURE } }";
pub const UPDATE_APPLICATION: &str = "mutation($name: String!, $input: UpdateApplicationInput!) { \
    updateApplication(name: $name, input: $input) { \
    __typename ... on Application { # } FAILURE } }";
pub const DELETE_APPLICATION: &str = "mutation($name: String!) { \
    deleteApplication(name: $name) { __typename ... on Application { # } FAILURE } }";
pub const GET_APPLICATION: &str = "query($name: String!) { getApplication(name: $name) { # } }";
pub const GET_APPLICATIONS: &str = "query($first: Int!, $after: String) { \
    getApplications(first: $first, after: $after) { items { # } endCursor hasNextPage } }";

pub const PROVIDER: &str =
    "code name sector capabilities { automatedDataCollection quickCheck } adapterUrl";
pub const ADD_PROVIDER: &str = "mutation($input: AddProviderInput!) { \
    addProvider(input: $input) { __typename ... on Provider { # } FAILURE } }";
pub const UPDATE_PROVIDER: &str = "mutation($code: String!, $input: UpdateProviderInput!) { \
    updateProvider(code: $code, input: $input) { __typename ... on Provider { # } FAILURE } }";
pub const DELETE_PROVIDER: &str = "mutation($code: String!) { \
    deleteProvider(code: $code) { __typename ... on Provider { # } FAILURE } }";
pub const GET_PROVIDER: &str = "query($code: String!) { getProvider(code: $code) { # } }";
pub const GET_PROVIDERS: &str = "query($sector: Sector) { getProviders(sector: $sector) { # } }";

pub const ADD_TOKEN: &str = "mutation($input: AddTokenInput!) { \
    addToken(input: $input) { __typename ... on TokenAdded { # } FAILURE } }";
pub const REVOKE_TOKEN: &str = "mutation($id: ID!) { \
    revokeToken(id: $id) { __typename ... on TokenRevoked { # } FAILURE } }";
pub const GET_TOKENS: &str = "query($application: String, $first: Int!, $after: String) { \
    getTokens(application: $application, first: $first, after: $after) { \
    items { # } endCursor hasNextPage } }";

pub const ADD_WEBHOOK: &str = "mutation($input: AddWebhookInput!) { \
    addWebhook(input: $input) { __typename ... on WebhookAdded { webhook { # } key \
    standardWebhooksSecret warnings { path message line column } } FAILURE } }";
pub const UPDATE_WEBHOOK: &str = "mutation($id: ID!, $input: UpdateWebhookInput!) { \
    updateWebhook(id: $id, input: $input) { __typename ... on Webhook { # } FAILURE } }";
pub const DELETE_WEBHOOK: &str = "mutation($id: ID!) { \
    deleteWebhook(id: $id) { __typename ... on Webhook { # } FAILURE } }";
pub const PAUSE_WEBHOOK: &str = "mutation($id: ID!) { \
    pauseWebhook(id: $id) { __typename ... on Webhook { # } FAILURE } }";
pub const RESUME_WEBHOOK: &str = "mutation($id: ID!) { \
    resumeWebhook(id: $id) { __typename ... on Webhook { # } FAILURE } }";
pub const GET_WEBHOOK: &str = "query($id: ID!) { \
    getWebhook(id: $id) { __typename ... on Webhook { # } FAILURE } }";
pub const GET_WEBHOOKS: &str = "query($filter: WebhookFilter, $first: Int!, $after: String) { \
    getWebhooks(filter: $filter, first: $first, after: $after) { \
    items { # } endCursor hasNextPage } }";
pub const PREVIEW_WEBHOOK: &str = "mutation($id: ID, $input: AddWebhookInput, \
    $trigger: String!, $entity: ID!) { previewWebhook(id: $id, input: $input, trigger: $trigger, \
    entity: $entity) { __typename ... on Preview { # } FAILURE } }";
pub const TEST_WEBHOOK: &str = "mutation($id: ID!, $trigger: String!, $entity: ID!) { \
    testWebhook(id: $id, trigger: $trigger, entity: $entity) { \
    __typename ... on Delivery { # } FAILURE } }";

pub const GET_DELIVERIES: &str = "query($filter: DeliveryFilter, $first: Int!, $after: String) { \
    getDeliveries(filter: $filter, first: $first, after: $after) { \
    items { # } endCursor hasNextPage } }";
pub const GET_DELIVERY: &str = "query($id: ID!) { \
    getDelivery(id: $id) { __typename ... on Delivery { # } FAILURE } }";
pub const REPLAY_DELIVERY: &str = "mutation($id: ID!, $payload: PayloadMode) { \
    replayDelivery(id: $id, payload: $payload) { __typename ... on Delivery { # } FAILURE } }";
pub const REPLAY_DELIVERIES: &str = "mutation($filter: DeliveryFilter!, $payload: PayloadMode) { \
    replayDeliveries(filter: $filter, payload: $payload) { \
    __typename ... on ReplayStarted { # } FAILURE } }";

/// The document with this selection.
pub fn with(document: &str, selection: &str) -> String {
    document.replace('#', selection).replace("FAILURE", FAILURE)
}

/// Sets fields to null. They are named as the options are.
pub fn clear(
    input: &mut Map<String, Value>,
    names: &[String],
    known: &[&str],
) -> Result<(), Failure> {
    for name in names {
        if !known.contains(&name.as_str()) {
            return Err(Failure::usage(format!(
                "--clear {name}: there is no such field: name one of {}",
                known.join(", ")
            )));
        }
        let field = camel_case(name);
        if input.insert(field, Value::Null).is_some() {
            return Err(Failure::usage(format!(
                "--clear {name} contradicts --{name}: leave one of them out"
            )));
        }
    }
    Ok(())
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('-');
    let mut field = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        field.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        field.push_str(letters.as_str());
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_cleared_by_its_options_name() {
        let mut input = Map::new();
        clear(&mut input, &["timeout-ms".to_owned()], &["timeout-ms"]).unwrap();
        assert_eq!(input.get("timeoutMs"), Some(&Value::Null));
        assert!(clear(&mut input, &["timeout-ms".to_owned()], &["timeout-ms"]).is_err());
        assert!(clear(&mut input, &["id".to_owned()], &["timeout-ms"]).is_err());
    }

    #[test]
    fn a_document_gets_its_selection() {
        let document = with(GET_WEBHOOK, "id");
        assert!(document.contains("... on Webhook { id } ... on OperationFailure { code"));
    }
}
