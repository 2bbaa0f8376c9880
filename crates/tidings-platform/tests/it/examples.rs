//! The examples that the Explorer shows are the queries that the sample's webhooks use.

use tidings_platform::sample;

macro_rules! explorer_file {
    ($name:literal) => {
        include_str!(concat!("../../../../web/source/explorer/", $name))
    };
}

#[test]
fn the_examples_of_the_explorer_are_the_recommended_queries() {
    for (shown, recommended) in [
        (explorer_file!("examples/energy_switch.graphql"), sample::FULL_QUERY),
        (explorer_file!("examples/energy_switch_minimal.graphql"), sample::MINIMAL_QUERY),
        (explorer_file!("examples/energy_switch_commission.graphql"), sample::COMMISSION_QUERY),
    ] {
        assert_eq!(shown.trim_end(), recommended.trim_end());
    }
    assert!(explorer_file!("examples.js").contains(sample::ENERGY_SWITCH));
}
