//! The schema: what it offers, and that all of it is explained.

use async_graphql::{EmptySubscription, MergedObject, Object, Schema};
use serde_json::Value;
use tidings_platform::{
    PlatformMutation, PlatformQuery,
    schema::{query_sdl, sdl},
};

use crate::support::World;

#[test]
fn the_schema_has_the_shapes_that_were_agreed() {
    let sdl = sdl();
    for part in [
        "getAuthorisedUser: AuthorisedUser!",
        "union GetUserResult = User | OperationFailure",
        "union GetEnergySwitchResult = EnergySwitch | OperationFailure",
        "union AddUserResult = User | OperationFailure",
        "union DeleteUserResult = User | OperationFailure",
        "union AddEnergySwitchResult = EnergySwitch | OperationFailure",
        "union UpdateEnergySwitchResult = EnergySwitch | OperationFailure",
        "input AddEnergySwitchInput",
        "input UpdateEnergySwitchInput",
        "input MoneyInput",
        "input CommissionInput",
        "type UserPage",
        "type EnergySwitchPage",
        "first: Int = 50",
        "projectedSpend: Money",
        "amount: Float!",
        "fuelsSwitched: Int!",
        "commission: Commission!",
        "statusDate: DateTime!",
        "deleted: [ID!]!",
        "scope: [String!]!",
        "locale: Locale! = en_GB",
        "waitingForUpdate",
        "Elecgas",
    ] {
        assert!(sdl.contains(part), "{part} is not in\n{sdl}");
    }
    assert!(!sdl.contains("Webhook"), "{sdl}");
}

/// What was agreed of each type, without the descriptions.
#[test]
fn accounts_and_what_hangs_on_them_have_the_fields_that_were_agreed() {
    let sdl = sdl();
    // Every other part stands between the quotes of a description.
    let sdl: String = sdl.split("\"\"\"").step_by(2).collect();
    let lines = sdl.lines().map(str::trim).filter(|line| !line.is_empty());
    let sdl = lines.collect::<Vec<_>>().join("\n");
    for part in [
        "getAccount(",
        "): GetAccountResult!",
        "): AccountPage!",
        "): ProvisionPage!",
        "): GetDocumentResult!",
        "): DocumentPage!",
        "): GetToDoResult!",
        "): ToDoPage!",
        "union GetAccountResult = Account | OperationFailure",
        "union GetDocumentResult = Document | OperationFailure",
        "union GetToDoResult = ToDo | OperationFailure",
        "union WithdrawConsentResult = Account | OperationFailure",
        "union AddToDoResult = ToDo | OperationFailure",
        "union CompleteToDoResult = ToDo | OperationFailure",
        "accounts: [Account!]!",
        "): [ToDo!]!",
        "type Account {\nid: ID!\nuser: User!\nprovider: Provider!\nreference: String\n\
         accessLevel: AccessLevel!\nstatus: AccountStatus!\nlastCollected: DateTime\n\
         added: DateTime!\nupdated: DateTime!\nprovisions: [Provision!]!\n",
        "balance: Money\n}",
        "type Provision {\nid: ID!\naccount: Account!\nsector: Sector!\nfuelType: String\n\
         tariffName: String\nsupplyNumber: String\naddress: Address\nstartDate: DateTime\n\
         endDate: DateTime\nprojectedSpend: Money\nupdated: DateTime!\n}",
        "type Address {\nlines: [String!]!\npostcode: String\n}",
        "type Document {\nid: ID!\naccount: Account!\ntype: DocumentType!\ntitle: String!\n\
         date: DateTime!\nmediaType: String!\nbytes: Int!\nsha256: String!\n\
         downloadUrl: String!\nadded: DateTime!\nupdated: DateTime!\n}",
        "type ToDo {\nid: ID!\nuser: User!\naccount: Account\nkind: ToDoKind!\ntitle: String!\n\
         done: Boolean!\ndoneDate: DateTime\nadded: DateTime!\nupdated: DateTime!\n}",
        "enum AccessLevel {\nQUICK_CHECK\nFULL_CHECK\nFULL_CHECK_ONGOING\n}",
        "enum AccountStatus {\nLINKING\nCOLLECTING\nUP_TO_DATE\nCREDENTIALS_REJECTED\n\
         CONSENT_WITHDRAWN\nFAILED\n}",
        "enum DocumentType {\nBILL\nSTATEMENT\nCONTRACT\nLETTER\nOTHER\n}",
        "enum ToDoKind {\nRENEW_CREDENTIALS\nPROVIDE_METER_READING\nREVIEW_TARIFF\n\
         CONFIRM_SWITCH\nOTHER\n}",
    ] {
        assert!(sdl.contains(part), "{part} is not in\n{sdl}");
    }
    let input = sdl.split("input AddToDoInput {").nth(1).unwrap().split('}').next().unwrap();
    assert_eq!(input.trim(), "user: ID!\naccount: ID\nkind: ToDoKind!\ntitle: String!");
    let account = sdl.split("type Account {").nth(1).unwrap().split('}').next().unwrap();
    assert!(!account.contains("consent"), "{account}");
    for hidden in ["providerKey", "goneWith", "sealed"] {
        assert!(!sdl.contains(hidden), "{hidden} is in\n{sdl}");
    }
}

#[test]
fn what_stored_queries_see_can_change_nothing() {
    let sdl = query_sdl();
    for absent in ["Mutation", "AddUserResult", "Input"] {
        assert!(!sdl.contains(absent), "{absent} is in\n{sdl}");
    }
}

struct Another;

/// Something else that the same schema serves.
#[Object]
impl Another {
    /// Something else.
    async fn something_else(&self) -> bool {
        true
    }
}

#[derive(MergedObject)]
#[graphql(name = "Query")]
struct Merged(PlatformQuery, Another);

#[derive(MergedObject)]
#[graphql(name = "Mutation")]
struct MergedMutation(PlatformMutation, Another);

#[test]
fn the_platforms_objects_can_be_merged_with_others() {
    let query = Merged(PlatformQuery::default(), Another);
    let mutation = MergedMutation(PlatformMutation::default(), Another);
    let sdl = Schema::new(query, mutation, EmptySubscription).sdl();
    assert!(sdl.contains("somethingElse") && sdl.contains("getEnergySwitch("), "{sdl}");
    assert_eq!(sdl.matches("type Query ").count(), 1);
    for absent in ["UserQuery", "UserMutation", "PlatformQuery", "PlatformMutation", "Another"] {
        assert!(!sdl.contains(absent), "{absent} is in\n{sdl}");
    }
}

fn check_described(path: &str, thing: &Value) {
    let text = thing["description"].as_str().unwrap_or_default();
    assert!(!text.trim().is_empty(), "{path} has no description");
}

#[tokio::test]
async fn every_type_field_and_argument_is_described() {
    let world = World::empty().await;
    let query = "{ __schema { types { name kind description
        fields { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let schema = world.get(world.acme(), query, Value::Null).await;
    for of_type in schema["types"].as_array().unwrap() {
        let name = of_type["name"].as_str().unwrap();
        if name.starts_with("__") || name == "ID" {
            continue; // GraphQL's own
        }
        check_described(name, of_type);
        for list in ["fields", "inputFields", "enumValues"] {
            for field in of_type[list].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", field["name"]);
                check_described(&path, field);
                for argument in field["args"].as_array().into_iter().flatten() {
                    check_described(&format!("{path}({})", argument["name"]), argument);
                }
            }
        }
    }
}
