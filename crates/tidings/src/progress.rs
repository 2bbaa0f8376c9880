//! How far accounts have come, as the front door wants it.

use async_trait::async_trait;
use tidings_api::{AccountProgress, Progress};
use tidings_core::{access::Principal, application::AccessLevel};
use tidings_store::StoreError;

/// Who may see what is the platform's to say.
#[derive(Debug)]
pub struct PlatformProgress(pub tidings_platform::Progress);

#[async_trait]
impl Progress for PlatformProgress {
    async fn accounts_of(
        &self,
        principal: &Principal,
        user: &str,
    ) -> Result<Option<Vec<AccountProgress>>, StoreError> {
        let found = self.0.accounts_of(principal, user).await?;
        let told = |account: tidings_platform::AccountProgress| AccountProgress {
            id: account.id,
            provider: account.provider,
            status: account.status.as_str().to_owned(),
            access_level: AccessLevel::from(account.access_level).as_str().to_owned(),
            last_collected_at: account.last_collected_at,
            documents_count: account.documents_count,
        };
        Ok(found.map(|accounts| accounts.into_iter().map(told).collect()))
    }
}
