//! A poller that follows the last cursor, beside a writer that changes things at random.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidings_core::{samples, time::Wall};
use tidings_platform::{
    domain::AccountStatus,
    writer::{AccountChange, EnergySwitchChange, NewUser},
};

use crate::support::{World, linked};

/// Each list with the fields of its items; the account where it needs one.
const LISTS: [(&str, &str); 6] = [
    ("getUsers", "id reference updated"),
    ("getAccounts", "id status lastCollected updated user { id }"),
    ("getProvisions", "id tariffName updated"),
    ("getToDos", "id title done updated"),
    ("getEnergySwitches", "id postcode updated"),
    ("getDocuments", "id title updated"),
];

/// What a client knows of a list, from its pages alone.
struct Mirror {
    list: usize,
    account: Option<String>,
    after: Value,
    items: BTreeMap<String, Value>,
}

impl Mirror {
    fn of(list: usize, account: Option<String>) -> Mirror {
        Mirror { list, account, after: Value::Null, items: BTreeMap::new() }
    }

    /// Takes in one page; whether there are more.
    async fn poll(&mut self, world: &World, first: usize) -> bool {
        let page = self.page(world, first, &self.after).await;
        for id in page["deleted"].as_array().unwrap() {
            self.items.remove(id.as_str().unwrap());
        }
        for item in page["items"].as_array().unwrap() {
            self.items.insert(item["id"].as_str().unwrap().to_owned(), item.clone());
        }
        self.after = page["endCursor"].clone();
        page["hasNextPage"] == true
    }

    async fn page(&self, world: &World, first: usize, after: &Value) -> Value {
        let (list, fields) = LISTS[self.list];
        let account =
            self.account.as_ref().map_or(String::new(), |id| format!("account: \"{id}\""));
        let query = format!(
            "query($first: Int, $after: String) {{ {list}({account} first: $first, after: $after) \
             {{ items {{ {fields} }} endCursor hasNextPage deleted }} }}"
        );
        world.get(world.acme(), &query, json!({ "first": first, "after": after })).await
    }

    /// What somebody sees who reads the list for the first time.
    async fn present(&self, world: &World) -> BTreeMap<String, Value> {
        let mut fresh = Mirror::of(self.list, self.account.clone());
        while fresh.poll(world, 7).await {}
        fresh.items
    }
}

/// What the writer has made and may change.
#[derive(Default)]
struct Made {
    users: Vec<String>,
    accounts: Vec<String>,
    to_dos: Vec<String>,
    switches: Vec<String>,
}

struct Writing<'a> {
    world: &'a World,
    random: fastrand::Rng,
    made: Made,
}

impl Writing<'_> {
    /// One of them; it may be gone meanwhile.
    fn pick(&mut self, ids: fn(&Made) -> &Vec<String>) -> Option<String> {
        let ids = ids(&self.made);
        (!ids.is_empty()).then(|| ids[self.random.usize(..ids.len())].clone())
    }

    /// Changes something. What is refused, because it is gone already, changes nothing.
    async fn step(&mut self) {
        let (writer, acme) = (&self.world.writer, self.world.acme.id);
        let number = self.random.u32(..);
        let user = self.pick(|made| &made.users);
        let account = self.pick(|made| &made.accounts);
        match (self.random.u8(0..11), user, account) {
            (0, Some(user), _) if number.is_multiple_of(4) => {
                drop(writer.delete_user(acme, &user).await)
            }
            (1, _, Some(account)) if number.is_multiple_of(2) => {
                drop(writer.delete_account(acme, &account).await)
            }
            (2 | 3, Some(user), _) => {
                let added = writer.add_account(acme, linked::account(&user)).await;
                self.made.accounts.extend(added.ok().map(|written| written.entity.id));
            }
            (4, _, Some(account)) => {
                let new = linked::documents(vec![linked::document(&number.to_string())]);
                drop(self.world.keep(&account, new).await);
            }
            (5, _, Some(account)) => {
                let mut provision = linked::provision(["elec", "gas"][number as usize % 2]);
                provision.tariff_name = Some(format!("Tariff {number}"));
                drop(self.world.keep(&account, linked::provisions(vec![provision])).await);
            }
            (6, Some(user), account) => {
                let new = linked::to_do(&user, account.as_deref(), &number.to_string());
                let added = writer.add_to_do(acme, new).await;
                self.made.to_dos.extend(added.ok().map(|written| written.entity.id));
            }
            (7, ..) => {
                let Some(id) = self.pick(|made| &made.to_dos) else { return };
                drop(writer.complete_to_do(acme, &id).await);
            }
            (8, Some(user), _) => {
                let mut new = tidings_platform::sample::energy_switch();
                (new.id, new.user) = (None, user.into());
                let added = writer.add_energy_switch(acme, new).await;
                self.made.switches.extend(added.ok().map(|written| written.entity.id));
            }
            (9, _, Some(account)) => {
                let status = Some(AccountStatus::UpToDate);
                let change = AccountChange { status, ..AccountChange::default() };
                drop(self.world.keep(&account, linked::changed(change)).await);
            }
            (10, ..) => {
                let Some(id) = self.pick(|made| &made.switches) else { return };
                let postcode = async_graphql::MaybeUndefined::Value(format!("P{number}"));
                let change = EnergySwitchChange { postcode, ..EnergySwitchChange::default() };
                drop(writer.update_energy_switch(acme, &id, change).await);
            }
            _ => {
                let new = NewUser { id: None, reference: Some(number.to_string()) };
                let added = writer.add_user(acme, new).await.unwrap();
                self.made.users.push(added.entity.id);
            }
        }
        // The wall clock goes on, stands still, or is set back.
        let shift = self.random.i64(-100_000..100_000);
        self.world.set_wall(Wall(samples::WALL.0 + shift));
    }
}

async fn check(seed: u64) {
    let world = World::peopled().await;
    let random = fastrand::Rng::with_seed(seed);
    let mut writing = Writing { world: &world, random: random.clone(), made: Made::default() };
    let mut random = random;
    let mut mirrors: Vec<Mirror> =
        (0..LISTS.len() - 1).map(|list| Mirror::of(list, None)).collect();
    let (mut seen_gone, mut seen_most) = (0, 0);
    for _ in 0..40 {
        for _ in 0..random.usize(..12) {
            writing.step().await;
        }
        for account in &writing.made.accounts {
            if !mirrors.iter().any(|mirror| mirror.account.as_ref() == Some(account)) {
                mirrors.push(Mirror::of(LISTS.len() - 1, Some(account.clone())));
            }
        }
        for mirror in &mut mirrors {
            let before = mirror.items.clone();
            // Things change between two pages too.
            while mirror.poll(&world, 3).await {
                if random.u8(..4) == 0 {
                    writing.step().await;
                }
            }
            let name = LISTS[mirror.list].0;
            assert_eq!(mirror.items, mirror.present(&world).await, "seed {seed}, {name}");
            seen_gone += before.keys().filter(|id| !mirror.items.contains_key(*id)).count();
            seen_most = seen_most.max(mirror.items.len());
        }
    }
    assert!(seen_gone > 20 && seen_most > 10, "seed {seed}: {seen_gone}, {seen_most}");
}

#[tokio::test]
async fn a_poller_that_follows_the_cursor_misses_no_change_and_no_deletion() {
    for seed in 0..4 {
        check(seed).await;
    }
}
