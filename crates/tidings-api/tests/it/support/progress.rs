//! Accounts that came a way.

use async_trait::async_trait;
use tidings_api::{AccountProgress, Progress};
use tidings_core::{access::Principal, time::Wall};
use tidings_store::StoreError;

/// A user of whatever application asks.
pub const LINKED_USER: &str = "5e33114d08cb368661c5108d";

/// Every user but `nobody` has one account.
pub struct FakeProgress;

#[async_trait]
impl Progress for FakeProgress {
    async fn accounts_of(
        &self,
        principal: &Principal,
        user: &str,
    ) -> Result<Option<Vec<AccountProgress>>, StoreError> {
        let account = AccountProgress {
            id: "602cd86f3755d621aff583ee".to_owned(),
            provider: "sse_sse".to_owned(),
            status: "UP_TO_DATE".to_owned(),
            access_level: "FULL_CHECK".to_owned(),
            last_collected_at: Some(Wall(1_613_551_727_284)),
            documents_count: 3,
        };
        Ok((user != "nobody" && principal.sees_user(user)).then(|| vec![account]))
    }
}
