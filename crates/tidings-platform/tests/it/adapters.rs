//! What adapters answer, and the page and the schema that say what they may.

use async_graphql::MaybeUndefined;
use serde_json::{Value, json};
use tidings_graphql::Locale;
use tidings_platform::{
    collect::protocol::{
        ANSWER_BYTES_MAX, Answer, CREDENTIAL_VALUE_BYTES_MAX, CREDENTIALS_MAX, CURSOR_BYTES_MAX,
        CheckAnswer, CollectAnswer, CollectedPage, Credential, DOCUMENTS_PER_PAGE_MAX, Description,
        DocumentAnswer, Operation, QuickCheckAnswer, SYNC_EVERY_S, read_answer,
    },
    domain::{DocumentType, PROVISIONS_PER_ACCOUNT_MAX},
    shelf::DOCUMENT_BYTES_MAX,
};

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn read<A: Answer>(answer: &Value) -> Result<A, String> {
    read_answer(answer.to_string().as_bytes()).map_err(|fault| fault.to_string())
}

fn document() -> Value {
    json!({
        "key": "bill-1", "type": "BILL", "date": "2021-02-28T01:00:00+01:00",
        "mediaType": "application/pdf", "bytes": 48_213, "sha256": SHA256,
    })
}

fn page() -> Value {
    json!({
        "result": "page", "account": {}, "provisions": [{ "key": "elec", "sector": "ENERGY" }],
        "documents": [document()], "cursor": "1", "more": false, "unknown": [1],
    })
}

fn description() -> Value {
    json!({
        "protocol": 1, "name": "SSE", "syncEveryS": 3600,
        "credentials": [
            { "name": "email", "label": { "en_GB": "E-mail", "cy_GB": "E-bost" }, "secret": false },
        ],
    })
}

/// That an answer with something changed is refused, at this place.
fn check<A: Answer>(mut answer: Value, pointer: &str, value: Value, place: &str) {
    *answer.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    match read::<A>(&answer) {
        Err(fault) => assert!(fault.contains(place), "{pointer}: {fault}"),
        Ok(_) => panic!("{pointer} was taken: {answer}"),
    }
}

#[test]
fn a_page_becomes_what_the_writer_takes() {
    let CollectAnswer::Page(page) = read(&page()).unwrap() else { panic!() };
    let new = page.documents[0].clone().into_new();
    assert_eq!((new.provider_key.as_str(), new.document_type), ("bill-1", DocumentType::Bill));
    assert_eq!((new.title.as_str(), new.bytes), ("Bill 2021-02-28", 48_213));
    assert_eq!(
        (new.date.iso().as_str(), new.sha256.as_str()),
        ("2021-02-28T00:00:00.000Z", SHA256)
    );
    assert_eq!(page.provisions[0].clone().into_new().provider_key, "elec");
    assert!(!page.goes_in_a_circle(None) && !page.goes_in_a_circle(Some("1")));
    let on = CollectedPage { more: true, ..page.clone() };
    assert!(!on.goes_in_a_circle(Some("0")) && on.goes_in_a_circle(Some("1")));
    assert!(page.account.into_change().reference.is_undefined());
}

#[test]
fn an_account_keeps_what_is_absent_and_clears_what_is_null() {
    let answer = json!({
        "result": "ok", "provisions": [],
        "account": { "reference": null, "balance": { "currency": "GBP", "amount": -1.5 } },
    });
    let QuickCheckAnswer::Ok { account, .. } = read(&answer).unwrap() else { panic!() };
    let written = serde_json::to_value(&account).unwrap();
    assert_eq!(written, answer["account"]);
    let change = account.into_change();
    assert_eq!(change.reference, MaybeUndefined::Null);
    assert_eq!(change.balance.value().map(|money| money.amount), Some(-1.5));
    assert_eq!((change.status, change.last_collected_at), (None, None));
}

#[test]
fn rejected_credentials_are_an_answer_in_two_languages() {
    let english = json!({ "result": "credentials_rejected", "reason": { "en_GB": "No" } });
    let both =
        json!({ "result": "credentials_rejected", "reason": { "en_GB": "No", "cy_GB": "Na" } });
    let CheckAnswer::CredentialsRejected { reason } = read(&english).unwrap() else { panic!() };
    assert_eq!(reason.text(Locale::CyGb), "No");
    let CollectAnswer::CredentialsRejected { reason } = read(&both).unwrap() else { panic!() };
    assert_eq!((reason.text(Locale::CyGb), reason.text(Locale::EnGb)), ("Na", "No"));
    assert_eq!(read(&json!({ "result": "gone" })), Ok(DocumentAnswer::Gone));
    assert!(read::<CheckAnswer>(&json!({ "result": "later" })).is_err());
}

#[test]
fn what_is_out_of_bounds_is_refused_with_its_place() {
    type Page = CollectAnswer;
    check::<Page>(page(), "/cursor", json!(""), "/cursor: 0 bytes");
    check::<Page>(page(), "/cursor", json!("x".repeat(CURSOR_BYTES_MAX + 1)), "/cursor: 4097");
    check::<Page>(page(), "/documents/0/key", json!(""), "/documents/0/key");
    check::<Page>(page(), "/documents/0/sha256", json!("ab"), "/documents/0/sha256");
    check::<Page>(page(), "/documents/0/mediaType", json!("PDF"), "/documents/0/mediaType");
    let too_long = json!(DOCUMENT_BYTES_MAX + 1);
    check::<Page>(page(), "/documents/0/bytes", too_long, "/documents/0/bytes: 67108865");
    check::<Page>(page(), "/documents/0/bytes", json!(-1), "integer `-1`");
    check::<Page>(page(), "/documents/0/date", json!("yesterday"), "`yesterday` is not a date");
    check::<Page>(page(), "/documents", json!([document(), document()]), "/documents/1/key");
    let many = |one: &Value, count: usize| {
        let named = |key: usize| {
            let mut one = one.clone();
            one["key"] = json!(key.to_string());
            one
        };
        Value::Array((0..count).map(named).collect())
    };
    let documents = many(&document(), DOCUMENTS_PER_PAGE_MAX + 1);
    check::<Page>(page(), "/documents", documents, "/documents: 201");
    let provision = json!({ "key": "", "sector": "ENERGY" });
    let provisions = many(&provision, PROVISIONS_PER_ACCOUNT_MAX + 1);
    check::<Page>(page(), "/provisions", provisions, "/provisions: 101");
    check::<Page>(page(), "/provisions", json!([provision]), "/provisions/0/key");
    let balance = json!({ "balance": { "currency": "pounds", "amount": 1 } });
    check::<Page>(page(), "/account", balance, "/account/balance/currency");
    check::<Page>(page(), "/unknown", json!("x".repeat(ANSWER_BYTES_MAX)), "at most 1048576");
}

#[test]
fn a_description_of_another_protocol_or_without_order_is_refused() {
    assert!(read::<Description>(&description()).is_ok());
    let check = check::<Description>;
    check(description(), "/protocol", json!(2), "/protocol: 2: this platform speaks 1");
    check(description(), "/syncEveryS", json!(4), "/syncEveryS: 4");
    check(description(), "/syncEveryS", json!(2_592_001), "/syncEveryS");
    check(description(), "/credentials/0/name", json!("a b"), "/credentials/0/name");
    check(description(), "/credentials/0/label/en_GB", json!(""), "/credentials/0/label/en_GB");
    let field = description()["credentials"][0].clone();
    check(description(), "/credentials", json!([field, field]), "/credentials/1/name");
}

#[test]
fn a_credential_is_never_printed() {
    let credential = Credential { name: "password".into(), value: "canary".into() };
    assert!(!format!("{credential:?}").contains("canary"));
}

#[test]
fn a_call_is_appended_to_the_adapters_url() {
    for base in ["http://127.0.0.1:9400/sse", "http://127.0.0.1:9400/sse/"] {
        assert_eq!(Operation::QuickCheck.url(base), "http://127.0.0.1:9400/sse/quick-check");
    }
    let page = include_str!("../../../../docs/adapters.md");
    for operation in Operation::ALL {
        let row = format!("| `{} {}` |", operation.method(), operation.name());
        assert!(page.contains(&row), "{row}");
    }
}

#[test]
fn the_schema_has_the_bounds_that_are_checked() {
    let schema = include_str!("../../../../docs/adapters.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let of = |pointer: &str| schema.pointer(&format!("/$defs/{pointer}")).unwrap().clone();
    let page = "CollectAnswer/oneOf/0/properties/documents/maxItems";
    assert_eq!(of(page), json!(DOCUMENTS_PER_PAGE_MAX));
    assert_eq!(of("Provisions/maxItems"), json!(PROVISIONS_PER_ACCOUNT_MAX));
    assert_eq!(of("Document/properties/bytes/maximum"), json!(DOCUMENT_BYTES_MAX));
    assert_eq!(of("Cursor/maxLength"), json!(CURSOR_BYTES_MAX));
    assert_eq!(of("Credentials/maxItems"), json!(CREDENTIALS_MAX));
    let value = "Credentials/items/properties/value/maxLength";
    assert_eq!(of(value), json!(CREDENTIAL_VALUE_BYTES_MAX));
    let every = "Description/properties/syncEveryS";
    assert_eq!(of(&format!("{every}/minimum")), json!(SYNC_EVERY_S.start()));
    assert_eq!(of(&format!("{every}/maximum")), json!(SYNC_EVERY_S.end()));
}
