//! Documents.

use async_graphql::{Context, Error, ID, Object};
use tidings_graphql::{DateTime, Failure, result_union};

use super::{
    account::AccountObject,
    asking::{Asking, find},
    batch::Shown,
    page::{EntityListPage, ListArguments, list},
};
use crate::{
    domain::{Document, DocumentType},
    triggers::PublicOrigin,
};

/// A document, as it is shown.
#[derive(Clone, Debug)]
pub struct DocumentObject(Shown<Document>);

impl From<Shown<Document>> for DocumentObject {
    fn from(shown: Shown<Document>) -> DocumentObject {
        DocumentObject(shown)
    }
}

impl DocumentObject {
    fn body(&self) -> &Document {
        &self.0.entity.body
    }
}

/// A document that a provider keeps for an account, such as a bill.
#[Object(name = "Document")]
impl DocumentObject {
    /// The document's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.0.entity.id.clone())
    }

    /// The account that it belongs to.
    async fn account(&self, context: &Context<'_>) -> Result<AccountObject, Error> {
        self.0.batch.account(context, &self.body().account).await.map(AccountObject::from)
    }

    /// What it is.
    #[graphql(name = "type")]
    async fn document_type(&self) -> DocumentType {
        self.body().document_type
    }

    /// What people call it.
    async fn title(&self) -> &str {
        &self.body().title
    }

    /// The date that it bears.
    async fn date(&self) -> DateTime {
        self.body().date.into()
    }

    /// Its media type, as in `application/pdf`.
    async fn media_type(&self) -> &str {
        &self.body().media_type
    }

    /// How long it is, in bytes.
    async fn bytes(&self) -> u32 {
        self.body().bytes
    }

    /// The SHA-256 of its bytes, in 64 digits of 0-9 and a-f.
    async fn sha256(&self) -> &str {
        &self.body().sha256
    }

    /// Where its bytes are: the address stays the same, and a token with the scope
    /// `download:documents` opens it.
    async fn download_url(&self, context: &Context<'_>) -> Result<String, Error> {
        Ok(context.data::<PublicOrigin>()?.document(&self.0.entity.id))
    }

    /// When it was collected.
    async fn added(&self) -> DateTime {
        self.body().added_at.into()
    }

    /// When anything about the document was last changed.
    async fn updated(&self) -> DateTime {
        self.0.entity.updated_at.into()
    }
}

result_union! {
    /// A document, or why there is none.
    GetDocumentResult(DocumentObject)
}

/// Queries about documents.
#[derive(Default, Debug)]
pub struct DocumentQuery;

#[Object]
impl DocumentQuery {
    /// A document.
    async fn get_document(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The document's id.")] id: ID,
    ) -> Result<GetDocumentResult, Error> {
        Ok(find(context, &id).await?.map(DocumentObject).into())
    }

    /// The documents of an account, in the order in which they were last changed.
    async fn get_documents(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The account's id.")] account: ID,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only what was changed then or later, with what was deleted.")]
        updated_since: Option<DateTime>,
    ) -> Result<EntityListPage<DocumentObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let page = ListArguments { first, after, updated_since, ..ListArguments::default() };
        let arguments = ListArguments { account: Some(account), ..page };
        list::<Document, _>(&asking, arguments).await
    }
}
