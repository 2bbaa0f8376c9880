//! `tidings sample-provider`: a provider's adapter to play with.

use std::time::Duration;

use crate::{
    cli::SampleProviderOptions,
    failure::Failure,
    output,
    sample_provider::{self, Behaviour, PASSWORD},
};

pub async fn run(options: SampleProviderOptions) -> Result<(), Failure> {
    let behaviour = Behaviour {
        documents: options.documents,
        new_every_s: options.new_every_s,
        document_delay: Duration::from_millis(options.document_delay_ms),
        sync_every_s: options.sync_every_s,
    };
    let provider = sample_provider::start(options.listen, behaviour).await?;
    // On stderr, as every server of this program does.
    output::error(&format!("listening on {}", provider.url()));
    output::error(&format!("any e-mail address opens an account with `{PASSWORD}`"));
    std::future::pending().await
}
