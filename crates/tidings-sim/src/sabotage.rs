//! Bugs that are planted to see that the checks find them: the test of the tester.

/// One bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// The append is answered first and committed a moment later.
    AcknowledgeBeforeCommit,
    /// The append leaves out the last of several webhooks.
    ForgetOneWebhook,
    /// The record is written although the lease was lost.
    IgnoreLeaseToken,
    /// A lease that still holds is given out again.
    GiveLeasedAgain,
    /// What is given out was not due yet.
    GiveTooEarly,
    /// Now and then a record is answered and not written.
    ForgetRecord,
    /// The body is not made durable.
    SkipFreeze,
    /// A body that was sent before is sent with another byte.
    ChangeBytesOnRetry,
    /// The requests of retries bear the signature of another body.
    SignOtherBytes,
    /// Wake-ups are lost, and the loop does not look by itself.
    LoseWakeUps,
    /// A retry is planned at once.
    RetryAtOnce,
    /// A source that does not answer exhausts the delivery.
    ExhaustOnOutage,
    /// The third failure exhausts the delivery.
    GiveUpEarly,
    /// A failure after the deadline is tried again.
    RetryForEver,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Sabotage; 14] = [
        Sabotage::AcknowledgeBeforeCommit,
        Sabotage::ForgetOneWebhook,
        Sabotage::IgnoreLeaseToken,
        Sabotage::GiveLeasedAgain,
        Sabotage::GiveTooEarly,
        Sabotage::ForgetRecord,
        Sabotage::SkipFreeze,
        Sabotage::ChangeBytesOnRetry,
        Sabotage::SignOtherBytes,
        Sabotage::LoseWakeUps,
        Sabotage::RetryAtOnce,
        Sabotage::ExhaustOnOutage,
        Sabotage::GiveUpEarly,
        Sabotage::RetryForEver,
    ];
}
