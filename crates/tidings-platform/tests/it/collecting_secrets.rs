//! What an adapter may not do, whatever it says: open what is somebody else's, or have secrets
//! written down.

use serde_json::{Value, json};
use tidings_platform::sample::PROVIDER;

use crate::support::{
    PASSWORD,
    log::Log,
    scene::{Scene, titles},
};

#[tokio::test]
async fn who_names_the_hash_of_anothers_document_does_not_get_it() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(2);
    let first = scene.linked("FULL_CHECK").await;
    scene.collect().await;
    assert_eq!(scene.titles(&first).await, titles(2));
    scene.world.adapters.script().lies = true;
    let second = scene.linked("FULL_CHECK").await;
    scene.collect().await;
    assert_eq!(scene.titles(&second).await, titles(0), "it never sent their bytes");
    scene.world.adapters.script().lies = false;
    scene.world.pass_ms(60_000);
    scene.collect().await;
    assert_eq!(scene.titles(&second).await, titles(2), "two accounts may have the same bytes");
}

#[tokio::test]
async fn bytes_that_were_spoilt_on_the_disk_are_mended_when_they_come_again() {
    let scene = Scene::new().await;
    scene.world.adapters.add_documents(1);
    let first = scene.linked("FULL_CHECK").await;
    scene.collect().await;
    let account = scene.account(&first).await;
    let hash = account["documents"]["items"][0]["sha256"].as_str().unwrap().to_owned();
    let path = scene.folder.path().join(&hash[..2]).join(&hash[2..]);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, vec![0; whole.len()]).unwrap();
    scene.linked("FULL_CHECK").await;
    scene.collect().await;
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

#[tokio::test]
async fn credentials_that_an_adapter_repeats_are_in_no_log_and_in_no_to_do() {
    let log = Log::default();
    let _logging = log.of_this_thread();
    let scene = Scene::new().await;
    scene.world.adapters.script().echoes = true;
    scene.linked("FULL_CHECK").await;
    scene.collect().await;
    assert!(log.text().contains("cannot be collected: no answer for …"), "{}", log.text());
    assert!(log.text().contains(PROVIDER), "whoever is woken must know whose: {}", log.text());
    scene.link("FULL_CHECK", "another-canary").await;
    scene.collect().await;
    let query = "{ getToDos { items { kind title account { provider { code } } } } }";
    let to_dos = scene.world.get(scene.world.acme(), query, Value::Null).await;
    let provider = json!({ "provider": { "code": PROVIDER } });
    let expected = json!({ "kind": "RENEW_CREDENTIALS", "title": "`…` is wrong",
        "account": provider });
    assert!(to_dos["items"].as_array().unwrap().contains(&expected), "{to_dos}");
    for secret in [PASSWORD, "another-canary"] {
        assert!(!log.text().contains(secret), "{}", log.text());
    }
}
