//! What goes wrong with one delivery or one endpoint stays with it.

use tidings_store::Store;

use crate::world::World;

#[tokio::test]
async fn the_backlog_of_one_endpoint_flows_as_fast_as_it_answers() {
    let world = World::new().await;
    let webhook = world.webhook("OrderAdded", |_| {}).await;
    let append = world.events("OrderAdded", 300, false).await;
    world.store.append(world.now(), append).await.unwrap();
    let _engine = world.engine(512);
    world.settle().await;
    world.pass(100, 5).await;
    assert_eq!(world.posts(&webhook), 300);
}
