//! How far the linking and the first collection of accounts have come.

use tidings_core::{access::Principal, ids::ApplicationId, time::Wall};
use tidings_graphql::AccessLevel;
use tidings_store::StoreError;

use crate::{
    domain::{ACCOUNT_ROLE, Account, AccountStatus, Document, Stored, USER_ROLE, User, link},
    reader::{PageQuery, Reader},
};

/// Pages of documents of one account that are counted.
const PAGES_COUNTED_MAX: usize = 50;

/// Says how far accounts have come.
#[derive(Clone, Debug)]
pub struct Progress {
    reader: Reader,
}

/// How far an account has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountProgress {
    /// Its id.
    pub id: String,
    /// The code of its provider.
    pub provider: String,
    /// Its status.
    pub status: AccountStatus,
    /// How far the platform may look.
    pub access_level: AccessLevel,
    /// When it was last collected to the end.
    pub last_collected_at: Option<Wall>,
    /// Documents that are there, counted to 10,000.
    pub documents_count: usize,
}

impl Progress {
    /// Reads what this reader reads.
    #[must_use]
    pub fn new(reader: Reader) -> Progress {
        Progress { reader }
    }

    /// The accounts of a user; `None` where there is no such user for the principal.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn accounts_of(
        &self,
        principal: &Principal,
        user: &str,
    ) -> Result<Option<Vec<AccountProgress>>, StoreError> {
        let Some(owner) = principal.application().filter(|_| principal.sees_user(user)) else {
            return Ok(None);
        };
        let found = self.reader.one::<User>(Some(owner), user).await?;
        if found.is_none_or(|user| user.deleted) {
            return Ok(None);
        }
        let query = PageQuery::existing(Some(owner), Some(link(USER_ROLE, user)), None);
        let mut told = Vec::new();
        for Stored { id, body, .. } in self.reader.page::<Account>(query).await?.items {
            let documents_count = self.documents_count(owner, &id).await?;
            told.push(AccountProgress {
                id,
                provider: body.provider,
                status: body.status,
                access_level: body.access_level,
                last_collected_at: body.last_collected_at,
                documents_count,
            });
        }
        Ok(Some(told))
    }

    async fn documents_count(
        &self,
        owner: ApplicationId,
        account: &str,
    ) -> Result<usize, StoreError> {
        let (mut count, mut after) = (0, None);
        for _ in 0..PAGES_COUNTED_MAX {
            let query = PageQuery::existing(Some(owner), Some(link(ACCOUNT_ROLE, account)), after);
            let page = self.reader.page::<Document>(query).await?;
            count += page.items.len();
            after = page.end;
            if !page.has_next_page {
                break;
            }
        }
        Ok(count)
    }
}
