//! Accounts are collected from a provider, by the whole program.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    http::{ask, ask_with, graphql},
    program::{Installation, Running},
    receiver::Receiver,
    wait_for,
};

const DOCUMENT: &str = "query($id: ID!) { getDocument(id: $id) { __typename \
    ... on Document { id title } } }";
const LINK: &str = "mutation($user: ID!, $level: AccessLevel!) { linkAccount(user: $user, \
    provider: \"sample\", accessLevel: $level, \
    consent: { text: \"I agree\", givenAt: \"2020-01-01T00:00:00Z\" }, \
    credentials: [{ name: \"email\", value: \"ada@example.com\" }, \
    { name: \"password\", value: \"sample-password\" }]) { __typename ... on Account { id } \
    ... on OperationFailure { description } } }";

/// An installation with a provider, a user of the application acme, and a webhook that hears of
/// documents.
struct Scene {
    installation: Installation,
    provider: Running,
    receiver: Receiver,
    token: String,
    user: String,
}

impl Scene {
    fn start(provider: &[&str]) -> Scene {
        let installation = Installation::start();
        let mut arguments = vec!["sample-provider", "--listen", "127.0.0.1:0"];
        arguments.extend(provider);
        let mut provider = Running::start(installation.folder.path(), &[], &arguments);
        let url = provider.url();
        let mut add = vec!["provider", "add", "sample", "--name", "Sample", "--sector", "energy"];
        add.extend(["--quick-check", "true", "--automated-data-collection", "true"]);
        add.extend(["--adapter-url", &url]);
        installation.run(&add).good();
        installation.run(&["application", "add", "acme"]).good();
        let receiver = Receiver::start();
        let mut hook = vec!["webhook", "add", "--application", "acme", "--name", "documents"];
        hook.extend(["--triggers", "DocumentAdded", "--url", &receiver.url, "--query", DOCUMENT]);
        installation.run(&hook).good();
        let issue = ["token", "issue", "--application", "acme", "--json"];
        let issued = installation.run(&issue).good().json();
        let token = issued["token"].as_str().unwrap().to_owned();
        let add_user = "mutation { addUser { ... on User { id } } }";
        let added = graphql(&installation.url, &token, add_user, Value::Null);
        let user = added["addUser"]["id"].as_str().unwrap().to_owned();
        Scene { installation, provider, receiver, token, user }
    }

    fn graphql(&self, query: &str, variables: Value) -> Value {
        graphql(&self.installation.url, &self.token, query, variables)
    }

    fn link(&self, level: &str) -> String {
        let linked = self.graphql(LINK, json!({ "user": self.user, "level": level }));
        linked["linkAccount"]["id"].as_str().unwrap_or_else(|| panic!("{linked}")).to_owned()
    }

    fn until_up_to_date(&self, account: &str) {
        let query = "query($id: ID!) { getAccount(id: $id) { ... on Account { status } } }";
        wait_for("the account to be up to date", || {
            let found = self.graphql(query, json!({ "id": account }));
            (found["getAccount"]["status"] == "UP_TO_DATE").then_some(())
        });
    }

    fn until_collected_again(&self, account: &str) {
        let query = "query($id: ID!) { getAccount(id: $id) { ... on Account { lastCollected } } }";
        let last = || {
            let found = self.graphql(query, json!({ "id": account }));
            found["getAccount"]["lastCollected"].clone()
        };
        let before = last();
        wait_for("the next sync", || (last() != before).then_some(()));
    }

    /// The ids and titles of the account's documents, page by page.
    fn documents(&self, account: &str) -> Vec<(String, String)> {
        let query = "query($account: ID!, $after: String) { getDocuments(account: $account, \
            first: 200, after: $after) { items { id title } endCursor hasNextPage } }";
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = self.graphql(query, json!({ "account": account, "after": after }));
            let page = &page["getDocuments"];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let items = page["items"].as_array().unwrap().iter();
            found.extend(items.map(|item| (text(&item["id"]), text(&item["title"]))));
            if page["hasNextPage"] == false {
                return found;
            }
            after = page["endCursor"].clone();
        }
    }
}

#[test]
fn after_kills_in_a_full_check_each_of_200_documents_is_there_once_and_fired_once() {
    let mut scene = Scene::start(&["--documents", "200", "--document-delay-ms", "5"]);
    let account = scene.link("FULL_CHECK");
    for arrived in [20, 90, 150] {
        scene.receiver.wait_for(arrived);
        scene.installation.server.kill();
        scene.installation.restart();
    }
    scene.until_up_to_date(&account);
    let documents = scene.documents(&account);
    let ids: BTreeSet<&String> = documents.iter().map(|(id, _)| id).collect();
    let titles: BTreeSet<&String> = documents.iter().map(|(_, title)| title).collect();
    assert_eq!((documents.len(), ids.len(), titles.len()), (200, 200, 200));
    let told = wait_for("all documents to be told of", || {
        let arrived = scene.receiver.arrived();
        // A delivery whose record a kill took is sent again, under its own id.
        let deliveries: BTreeSet<(String, String)> = arrived
            .iter()
            .map(|request| {
                let id = request.json()["query"]["variables"]["id"].as_str().unwrap().to_owned();
                (id, request.header("webhook-id").to_owned())
            })
            .collect();
        (deliveries.len() >= 200).then_some(deliveries)
    });
    let told_ids: BTreeSet<&String> = told.iter().map(|(id, _)| id).collect();
    assert_eq!((told.len(), told_ids), (200, ids), "each is told of by one delivery");
    let log = scene.installation.server.log();
    assert!(!log.contains("sample-password"), "a credential is in the log");
}

#[test]
fn what_is_new_at_a_provider_is_told_polled_and_downloaded_until_the_consent_is_withdrawn() {
    let mut scene = Scene::start(&["--documents", "1", "--sync-every-s", "5"]);
    let account = scene.link("FULL_CHECK_ONGOING");
    scene.receiver.wait_for(1);
    scene.until_up_to_date(&account);
    let path = format!(
        "/v1/graphql?query=query%7BgetDocuments(account:%22{account}%22)%7Bitems%7Bid%20sha256\
         %20downloadUrl%7D%7D%7D"
    );
    let url = scene.installation.url.clone();
    let poll = |tag: &str| {
        let lines = format!("If-None-Match: {tag}\r\n");
        ask_with(&url, "GET", &path, &scene.token, &lines, "")
    };
    let first = poll("\"none\"");
    let tag = first.header("etag").to_owned();
    assert_eq!(poll(&tag).status(), 304);
    let item = first.json()["data"]["getDocuments"]["items"][0].clone();
    let download = item["downloadUrl"].as_str().unwrap();
    let download = download.strip_prefix(&url).unwrap();
    let bytes = ask(&url, "GET", download, &scene.token, "");
    assert_eq!(bytes.status(), 200);
    assert!(bytes.body.starts_with(b"%PDF-"), "it is no PDF");
    assert_eq!(bytes.header("etag"), format!("\"{}\"", item["sha256"].as_str().unwrap()));

    let provider = scene.provider.url();
    assert_eq!(ask(&provider, "POST", "/sample/documents", "", "").status(), 201);
    let arrived = scene.receiver.wait_for(2);
    assert_eq!(arrived[1].json()["webhook"]["trigger"], "DocumentAdded");
    let changed = poll(&tag);
    assert_eq!(changed.status(), 200);
    assert_eq!(changed.json()["data"]["getDocuments"]["items"].as_array().unwrap().len(), 2);

    let withdraw = "mutation($id: ID!) { withdrawConsent(account: $id) { __typename } }";
    scene.graphql(withdraw, json!({ "id": account }));
    assert_eq!(scene.documents(&account), []);
    assert_eq!(ask(&url, "GET", download, &scene.token, "").status(), 404);
    ask(&provider, "POST", "/sample/documents", "", "");
    // Another account shows that more than a sync interval has passed.
    let other = scene.link("FULL_CHECK_ONGOING");
    for _ in 0..2 {
        scene.until_up_to_date(&other);
        scene.until_collected_again(&other);
    }
    let arrived = scene.receiver.wait_for(2 + 3);
    assert_eq!(scene.documents(&account), []);
    assert_eq!((arrived.len(), scene.documents(&other).len()), (5, 3));
}
