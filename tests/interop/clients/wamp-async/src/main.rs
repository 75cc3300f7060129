//! The sessions that README.md tells of, through wamp_async.
//!
//! This client names every error of a procedure `wamp.async.rs.rpc.failed`, and gives a caller no
//! arguments of an error: those are null here.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use serde_json::{json, Value};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::UnboundedReceiver;
use wamp_async::{Client, ClientConfig, SerializerType, WampArgs, WampError, WampId, WampKwArgs};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(20);

/// Where and as what to join: the realm and one triple of the command line.
struct Place {
    realm: String,
    prefix: String,
    serializer: String,
    url: String,
}

struct Payload {
    args: WampArgs,
    kwargs: WampKwArgs,
}

impl Payload {
    fn parse(text: &str) -> Outcome<Payload> {
        let mut value: Value = serde_json::from_str(text)?;
        Ok(Payload {
            args: serde_json::from_value(value["args"].take())?,
            kwargs: serde_json::from_value(value["kwargs"].take())?,
        })
    }
}

async fn within<T>(what: impl Future<Output = Result<T, WampError>>) -> Outcome<T> {
    Ok(tokio::time::timeout(PATIENCE, what).await??)
}

async fn join(place: &Place) -> Outcome<Client<'static>> {
    let serializer = match place.serializer.as_str() {
        "json" => SerializerType::Json,
        _ => SerializerType::MsgPack,
    };
    let config = ClientConfig::default().set_serializers(vec![serializer]);
    let url = place.url.replacen("rs://", "tcp://", 1);
    let (mut client, (event_loop, invocations)) =
        within(Client::connect(url, Some(config))).await?;
    tokio::spawn(event_loop);
    if let Some(mut queue) = invocations {
        tokio::spawn(async move {
            while let Some(invocation) = queue.recv().await {
                tokio::spawn(invocation);
            }
        });
    }
    within(client.join_realm(place.realm.clone())).await?;
    Ok(client)
}

async fn echo(
    args: Option<WampArgs>,
    kwargs: Option<WampKwArgs>,
) -> Result<(Option<WampArgs>, Option<WampKwArgs>), WampError> {
    Ok((args, kwargs))
}

async fn fail(
    _: Option<WampArgs>,
    _: Option<WampKwArgs>,
) -> Result<(Option<WampArgs>, Option<WampKwArgs>), WampError> {
    Err(WampError::from("because".to_string()))
}

struct Callee {
    client: Client<'static>,
    echo: WampId,
    fail: WampId,
    topic: WampId,
    events: UnboundedReceiver<(WampId, Option<WampArgs>, Option<WampKwArgs>)>,
}

impl Callee {
    async fn start(place: &Place) -> Outcome<Callee> {
        let client = join(place).await?;
        let prefix = &place.prefix;
        let echo = within(client.register(format!("{prefix}.echo"), echo)).await?;
        let fail = within(client.register(format!("{prefix}.fail"), fail)).await?;
        let (topic, events) = within(client.subscribe(format!("{prefix}.topic"))).await?;
        Ok(Callee {
            client,
            echo,
            fail,
            topic,
            events,
        })
    }

    async fn finish(mut self) -> Outcome<Value> {
        let first = tokio::time::timeout(PATIENCE, self.events.recv()).await?;
        let (_, args, kwargs) = first.ok_or("the subscription ended")?;
        within(self.client.unsubscribe(self.topic)).await?;
        within(self.client.unregister(self.echo)).await?;
        within(self.client.unregister(self.fail)).await?;
        leave(self.client).await?;
        let mut events = vec![json!({"args": args, "kwargs": kwargs})];
        while let Some((_, args, kwargs)) = self.events.recv().await {
            events.push(json!({"args": args, "kwargs": kwargs}));
        }
        Ok(json!({ "events": events }))
    }
}

async fn error_of(client: &Client<'_>, uri: String) -> Outcome<String> {
    let call = client.call(&uri, Some(vec![json!(1)]), None);
    match tokio::time::timeout(PATIENCE, call).await? {
        Err(WampError::ServerError(error, _)) => Ok(error),
        Err(other) => Err(other.into()),
        Ok(_) => Err(format!("{uri} was expected to fail").into()),
    }
}

async fn call_and_publish(client: &Client<'_>, prefix: &str, payload: &Payload) -> Outcome<Value> {
    let (args, kwargs) = (Some(payload.args.clone()), Some(payload.kwargs.clone()));
    let echo = client.call(format!("{prefix}.echo"), args.clone(), kwargs.clone());
    let (result_args, result_kwargs) = within(echo).await?;
    let error = error_of(client, format!("{prefix}.fail")).await?;
    let missing = error_of(client, format!("{prefix}.nobody")).await?;
    let publication = within(client.publish(format!("{prefix}.topic"), args, kwargs, true)).await?;
    Ok(json!({
        "result": {"args": result_args, "kwargs": result_kwargs},
        "error": {"uri": error, "args": null, "kwargs": null},
        "missing": missing,
        "published": publication.is_some(),
    }))
}

/// Say GOODBYE and wait for the answer; `disconnect` would panic where the router closes first.
async fn leave(mut client: Client<'_>) -> Outcome<()> {
    within(client.leave_realm()).await
}

async fn both(place: &Place, payload: &Payload) -> Outcome<Value> {
    let callee = Callee::start(place).await?;
    let client = join(place).await?;
    let mut caller = call_and_publish(&client, &place.prefix, payload).await?;
    let events = callee.finish().await?;
    caller["gone"] = json!(error_of(&client, format!("{}.echo", place.prefix)).await?);
    leave(client).await?;
    Ok(json!({"callee": events, "caller": caller}))
}

async fn serve(place: &Place) -> Outcome<Value> {
    let callee = Callee::start(place).await?;
    println!("{}", json!({"ready": true}));
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(json!({"callee": callee.finish().await?}))
}

async fn call(place: &Place, payload: &Payload) -> Outcome<Value> {
    let client = join(place).await?;
    let caller = call_and_publish(&client, &place.prefix, payload).await?;
    leave(client).await?;
    Ok(json!({ "caller": caller }))
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().collect();
    let (mode, realm, payload) = (words[1].as_str(), &words[2], Payload::parse(&words[3])?);
    let mut status = 0;
    for triple in words[4..].chunks_exact(3) {
        let place = Place {
            realm: realm.clone(),
            prefix: triple[0].clone(),
            serializer: triple[1].clone(),
            url: triple[2].clone(),
        };
        let seen = match mode {
            "both" => both(&place, &payload).await,
            "serve" => serve(&place).await,
            _ => call(&place, &payload).await,
        };
        let line = seen.unwrap_or_else(|why| {
            status = 1;
            json!({"failed": why.to_string()})
        });
        println!("{line}");
    }
    std::process::exit(status)
}
