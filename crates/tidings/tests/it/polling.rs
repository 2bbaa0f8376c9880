//! Polls of a real server beside random changes: equal tags are equal bytes, and a tag that stays
//! hides nothing.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::{
    http::{ask, ask_with, graphql},
    program::Installation,
};

/// Who asks: a name, and the token.
type Asker = (&'static str, String);

/// What is polled, as the query of a URL.
const POLLS: [&str; 9] = [
    "{getUsers(first:3){items{id,reference,updated,toDos{id,done}}endCursor,hasNextPage,deleted}}",
    "{getToDos(updatedSince:\"2021-01-01T00:00:00Z\"){items{id,title,done,doneDate}deleted}}",
    "{getEnergySwitches{items{id,postcode,provider{name}user{reference}}}}",
    "{getProviders{code,name,sector}}",
    "{getProvider(code:\"sse_sse\"){name}}",
    "{getAuthorisedUser{application,scope,expires}}",
    "{getUser(id:\"602cd86f3755d621aff583ee\"){...on OperationFailure{code,description}}}",
    "query A{getAccounts{items{id}}}query B{getUsers{items{id}}}&operationName=B",
    "{__typename,getAccounts{items{id}}}",
];

/// As it stands in a URL.
fn encoded(query: &str) -> String {
    let in_url = [('{', "%7B"), ('}', "%7D"), ('"', "%22"), (' ', "%20")];
    in_url.iter().fold(query.to_owned(), |text, (from, to)| text.replace(*from, to))
}

struct Polling {
    installation: Installation,
    random: fastrand::Rng,
    askers: Vec<Asker>,
    /// Every tag that was ever seen: of which asker's which poll, and its bytes.
    tags: HashMap<String, (usize, usize, Vec<u8>)>,
    /// The last tag of each asker's each poll.
    last: HashMap<(usize, usize), String>,
    users: [Vec<String>; 2],
    to_dos: [Vec<String>; 2],
    switches: [Vec<String>; 2],
    unchanged: usize,
    changed: usize,
}

const READ: &str = "read:accounts";

impl Polling {
    fn start(seed: u64) -> Polling {
        let installation = Installation::start();
        let mut askers = vec![("operator", installation.token.clone())];
        for (name, application, scopes) in [
            ("acme", "acme", vec![READ, "fire:triggers"]),
            ("acme with fewer scopes", "acme", vec![READ]),
            ("other", "other", vec![READ, "fire:triggers"]),
        ] {
            if installation.run(&["application", "show", application]).code != 0 {
                installation.run(&["application", "add", application]).good();
            }
            let add = "mutation($input: AddTokenInput!) { addToken(input: $input) {
                ... on TokenAdded { token } } }";
            let input =
                json!({ "application": application, "kind": "APPLICATION", "scopes": scopes });
            let input = json!({ "input": input });
            let added = graphql(&installation.url, &installation.token, add, input);
            askers.push((name, added["addToken"]["token"].as_str().unwrap().to_owned()));
        }
        let provider = json!({ "input": {
            "code": "sse_sse", "name": "SSE", "sector": "ENERGY",
            "capabilities": { "automatedDataCollection": true, "quickCheck": true },
        } });
        let add =
            "mutation($input: AddProviderInput!) { addProvider(input: $input) { __typename } }";
        graphql(&installation.url, &installation.token, add, provider);
        Polling {
            installation,
            random: fastrand::Rng::with_seed(seed),
            askers,
            tags: HashMap::new(),
            last: HashMap::new(),
            users: [Vec::new(), Vec::new()],
            to_dos: [Vec::new(), Vec::new()],
            switches: [Vec::new(), Vec::new()],
            unchanged: 0,
            changed: 0,
        }
    }

    fn mutate(&self, asker: usize, query: &str, variables: Value) -> Value {
        let data = graphql(&self.installation.url, &self.askers[asker].1, query, variables);
        data.as_object().unwrap().values().next().unwrap().clone()
    }

    fn pick(&mut self, ids: &[String]) -> Option<String> {
        (!ids.is_empty()).then(|| ids[self.random.usize(..ids.len())].clone())
    }

    /// Changes something of one owner: 0 the operator, 1 acme, 3 other. `None`: nothing came of it.
    fn change(&mut self) -> Option<usize> {
        let owner = [0, 1, 1, 3, 3][self.random.usize(..5)];
        let number = self.random.u32(..);
        if owner == 0 {
            let rename = "mutation($name: String!) { updateProvider(code: \"sse_sse\",
                input: { name: $name }) { __typename } }";
            self.mutate(0, rename, json!({ "name": format!("SSE {number}") }));
            return Some(owner);
        }
        let side = owner / 2;
        let user = self.pick(&self.users[side].clone());
        let to_do = self.pick(&self.to_dos[side].clone());
        let switch = self.pick(&self.switches[side].clone());
        let made = match (self.random.u8(..7), user) {
            (0, Some(id)) => {
                let delete = "mutation($id: ID!) { deleteUser(id: $id) { __typename } }";
                self.users[side].retain(|user| *user != id);
                self.mutate(owner, delete, json!({ "id": id }))
            }
            (1 | 2, Some(user)) => {
                let add = "mutation($user: ID!, $title: String!) { addToDo(input: { user: $user,
                    kind: OTHER, title: $title }) { __typename ... on ToDo { id } } }";
                let title = format!("Do {number}");
                let made = self.mutate(owner, add, json!({ "user": user, "title": title }));
                self.to_dos[side].extend(made["id"].as_str().map(str::to_owned));
                made
            }
            (3, Some(_)) => {
                let id = to_do?;
                self.to_dos[side].retain(|kept| *kept != id);
                let complete = "mutation($id: ID!) { completeToDo(id: $id) { __typename } }";
                self.mutate(owner, complete, json!({ "id": id }))
            }
            (4, Some(user)) => {
                let add = "mutation($user: ID!) { addEnergySwitch(input: { user: $user,
                    provider: \"sse_sse\", fuelType: Elec, fuelsSwitched: 1 }) { __typename
                    ... on EnergySwitch { id } } }";
                let made = self.mutate(owner, add, json!({ "user": user }));
                self.switches[side].extend(made["id"].as_str().map(str::to_owned));
                made
            }
            (5, Some(_)) => {
                let change = "mutation($id: ID!, $postcode: String!) { updateEnergySwitch(id: $id,
                    input: { postcode: $postcode }) { __typename } }";
                let postcode = format!("P{number}");
                self.mutate(owner, change, json!({ "id": switch?, "postcode": postcode }))
            }
            _ => {
                let add = "mutation($reference: String!) { addUser(reference: $reference) {
                    __typename ... on User { id } } }";
                let made = self.mutate(owner, add, json!({ "reference": number.to_string() }));
                self.users[side].extend(made["id"].as_str().map(str::to_owned));
                made
            }
        };
        (made["__typename"] != "OperationFailure").then_some(owner)
    }

    /// One poll with the last tag, and what is there without one.
    fn poll(&mut self, asker: usize, poll: usize, changed: Option<usize>) {
        let (name, token) = self.askers[asker].clone();
        let path = format!("/v1/graphql?query={}", encoded(POLLS[poll]));
        let url = self.installation.url.clone();
        let now = ask(&url, "GET", &path, &token, "");
        let what = format!("{name}: {}", POLLS[poll]);
        assert_eq!(now.status(), 200, "{what}");
        if now.json().get("errors").is_some() {
            assert_eq!(now.header("etag"), "", "{what}");
            return;
        }
        let tag = now.header("etag").to_owned();
        assert!(!tag.is_empty(), "{what}");
        let known = self.tags.entry(tag.clone()).or_insert((asker, poll, now.body.clone()));
        assert!(*known == (asker, poll, now.body.clone()), "{what}: {tag} is of two answers");
        let Some(last) = self.last.insert((asker, poll), tag.clone()) else { return };
        // The operator sees all; the others see their own, and the operator's.
        let is_seen = |owner| match (asker, owner) {
            (0, _) | (_, 0) | (1 | 2, 1) => true,
            (asker, owner) => asker == owner,
        };
        let expected = changed.is_none_or(|owner| !is_seen(owner));
        assert_eq!(last == tag, expected, "{what} after {changed:?}");
        let line = format!("If-None-Match: \"x\", W/{last}\r\n");
        let again = ask_with(&url, "GET", &path, &token, &line, "");
        if expected {
            assert_eq!((again.status(), again.body.len()), (304, 0), "{what}");
            self.unchanged += 1;
        } else {
            assert_eq!((again.status(), &again.body), (200, &now.body), "{what}");
            self.changed += 1;
        }
        assert_eq!(again.header("etag"), tag, "{what}");
    }

    fn poll_all(&mut self, changed: Option<usize>) {
        for asker in 0..self.askers.len() {
            for poll in 0..POLLS.len() {
                self.poll(asker, poll, changed);
            }
        }
    }
}

#[test]
fn equal_tags_are_equal_bytes_and_every_change_that_an_asker_sees_makes_another() {
    let mut polling = Polling::start(1);
    polling.poll_all(None);
    for _ in 0..50 {
        let changed = polling.change();
        polling.poll_all(changed);
    }
    let Polling { unchanged, changed, .. } = polling;
    assert!(unchanged > 200 && changed > 200, "{unchanged} unchanged, {changed} changed");
}

#[test]
fn nobody_is_told_after_a_restart_that_nothing_changed() {
    let mut polling = Polling::start(2);
    polling.poll_all(None);
    let tags = polling.last.clone();
    polling.installation.server.kill();
    polling.installation.restart();
    polling.last.clear();
    polling.poll_all(None);
    for (of, tag) in polling.last {
        assert_ne!(tags[&of], tag, "the database may be a backup, and the program a newer one");
    }
}
