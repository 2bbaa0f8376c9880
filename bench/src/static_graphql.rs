//! The measure of GraphQL over HTTP: async-graphql and hyper with the answer at hand. No token, no
//! limits, no database.

use std::{convert::Infallible, net::SocketAddr};

use async_graphql::{
    EmptyMutation, EmptySubscription, ID, Object, Request as GraphqlRequest, Schema, SimpleObject,
    Union, Variables,
};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::client::Failure;

#[derive(Union)]
#[allow(clippy::large_enum_variant, reason = "one of them is made for each answer")]
enum GetEnergySwitchResult {
    Found(EnergySwitch),
    Failed(OperationFailure),
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct OperationFailure {
    code: String,
}

#[async_graphql::ComplexObject]
impl OperationFailure {
    async fn description(&self, locale: Option<Locale>) -> String {
        format!("{} {locale:?}", self.code)
    }
}

#[derive(async_graphql::Enum, Clone, Copy, PartialEq, Eq, Debug)]
enum Locale {
    #[graphql(name = "en_GB")]
    English,
}

#[derive(SimpleObject)]
struct EnergySwitch {
    id: ID,
    date: String,
    user: User,
    user_switch_reference_id: Option<String>,
    postcode: Option<String>,
    provider: Provider,
    tariff_name: Option<String>,
    projected_spend: Option<Money>,
    savings: Option<Money>,
    fuel_type: String,
    fuels_switched: i32,
    commission: Commission,
}

#[derive(SimpleObject)]
struct User {
    id: ID,
    tenant_id: Option<String>,
}

#[derive(SimpleObject)]
struct Provider {
    code: String,
    name: String,
}

#[derive(SimpleObject)]
struct Money {
    currency: String,
    amount: f64,
}

#[derive(SimpleObject)]
struct Commission {
    fuels_waiting_for_update: i32,
    fuels_with_switch_terminated: i32,
    fuels_with_commission_expected: i32,
    fuels_with_commission_received: i32,
    status_date: String,
    status: String,
}

struct Query;

#[Object]
impl Query {
    async fn get_energy_switch(&self, id: ID) -> GetEnergySwitchResult {
        if id.len() != 24 {
            return GetEnergySwitchResult::Failed(OperationFailure { code: "NOT_FOUND".into() });
        }
        let pounds = |amount| Some(Money { currency: "GBP".into(), amount });
        GetEnergySwitchResult::Found(EnergySwitch {
            id,
            date: "2018-01-01T00:00:00.000Z".into(),
            user: User { id: "602cd86f3755d621aff583ea".into(), tenant_id: Some("bench".into()) },
            user_switch_reference_id: Some("E123456".into()),
            postcode: Some("OX184EN".into()),
            provider: Provider { code: "pfp-energy_pfp-energy".into(), name: "PFP Energy".into() },
            tariff_name: Some("PFP Energy - Green Variable v1 Paperless".into()),
            projected_spend: pounds(123.540_000_915_527),
            savings: pounds(228.449_996_948_242),
            fuel_type: "Elecgas".into(),
            fuels_switched: 2,
            commission: Commission {
                fuels_waiting_for_update: 0,
                fuels_with_switch_terminated: 0,
                fuels_with_commission_expected: 2,
                fuels_with_commission_received: 0,
                status_date: "2018-01-22T00:00:00.000Z".into(),
                status: "commissionExpected".into(),
            },
        })
    }
}

type StaticSchema = Schema<Query, EmptyMutation, EmptySubscription>;

/// Serves until it is stopped; the first line says where.
pub async fn serve(listen: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let schema = schema.clone();
        let service = service_fn(move |request| answer(schema.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    schema: StaticSchema,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (mut query, mut variables) = (String::new(), Variables::default());
    let pairs = request.uri().query().unwrap_or_default().as_bytes();
    for (name, value) in url::form_urlencoded::parse(pairs) {
        match &*name {
            "query" => query = value.into_owned(),
            "variables" => {
                let parsed = serde_json::from_str(&value).unwrap_or_default();
                variables = Variables::from_json(parsed);
            }
            _ => {}
        }
    }
    let response = schema.execute(GraphqlRequest::new(query).variables(variables)).await;
    let body = serde_json::to_vec(&response).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    let json = header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}
