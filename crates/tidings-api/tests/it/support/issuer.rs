//! What stands for the platform's users and for the key sets of issuers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use tidings_api::{FetchKeySet, Subject, Subjects};
use tidings_core::ids::EntityId;
use tidings_graphql::OperationFailure;

/// Users by their subjects.
#[derive(Default)]
pub struct FakeSubjects {
    /// All that was asked for, in order.
    pub asked: Mutex<Vec<Subject>>,
    /// Subjects whose users were deleted.
    pub deleted: Mutex<Vec<String>>,
}

#[async_trait]
impl Subjects for FakeSubjects {
    async fn user_of(&self, subject: Subject) -> Result<Option<EntityId>, OperationFailure> {
        let is_deleted = self.deleted.lock().unwrap().contains(&subject.subject);
        let id = format!("user-of-{}", subject.subject).parse().unwrap();
        self.asked.lock().unwrap().push(subject);
        Ok((!is_deleted).then_some(id))
    }
}

/// Key sets by their URLs, and how often each was read.
#[derive(Default)]
pub struct FakeKeySets {
    pub sets: Mutex<BTreeMap<String, Result<String, String>>>,
    pub reads: Mutex<usize>,
}

impl FakeKeySets {
    pub fn fetch(self: &Arc<Self>) -> FetchKeySet {
        let all = Arc::clone(self);
        Arc::new(move |url| {
            *all.reads.lock().unwrap() += 1;
            let found = all.sets.lock().unwrap().get(&url).cloned();
            async move {
                tokio::task::yield_now().await;
                found.unwrap_or_else(|| Err("nothing is there".to_owned())).map(Bytes::from)
            }
            .boxed()
        })
    }
}
