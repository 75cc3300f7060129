// What becomes of JavaScript's own kinds of values: values_autobahn.js URL SERIALIZER TOPIC.
// One session publishes each, another prints what reaches it: its kind, and what it says.
"use strict";

const autobahn = require("autobahn");

const [url, serializer, topic] = process.argv.slice(2);
const serializers = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};
const values = {
  octets: new Uint8Array([0, 1, 255]),
  buffer: Buffer.alloc(16384, 7),
  date: new Date(Date.UTC(2013, 2, 21, 20, 4, 0, 500)),
  bigint: 2n ** 62n,
  undefined: undefined,
  done: "done",
};

function join() {
  const connection = new autobahn.Connection({
    realm: "realm1",
    transports: [
      {
        type: "websocket",
        url,
        serializers: [new serializers[serializer]()],
        protocols: [`wamp.2.${serializer}`],
      },
    ],
    max_retries: 0,
  });
  return new Promise((resolve, reject) => {
    connection.onopen = (session) => resolve({ session, connection });
    connection.onclose = (reason, details) => {
      reject(new Error(reason));
      if (!ending) console.log(JSON.stringify({ lost: String(details.message) }));
      return true;
    };
    connection.open();
  });
}

let ending = false;

// What a serializer cannot write rejects a promise that nobody is given; publish() waits on.
let unwritten = () => {};
process.on("unhandledRejection", (fault) => unwritten(fault));

function kind(value) {
  return value === null || value === undefined ? String(value) : value.constructor.name;
}

function shown(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex").slice(0, 6);
  return typeof value === "object" && value !== null ? Object.keys(value).length : String(value);
}

async function main() {
  const subscriber = await join();
  const publisher = await join();
  const done = new Promise((resolve) => {
    subscriber.session.subscribe(topic, ([name, value]) => {
      console.log(JSON.stringify({ seen: name, kind: kind(value), shown: shown(value) }));
      if (name === "done") resolve();
    }).then(publish);
  });
  async function publish() {
    for (const [name, value] of Object.entries(values)) {
      try {
        const failed = new Promise((_, reject) => (unwritten = reject));
        const options = { acknowledge: true };
        await Promise.race([publisher.session.publish(topic, [name, value], {}, options), failed]);
      } catch (fault) {
        console.log(JSON.stringify({ refused: name, why: String(fault.error || fault.message || fault) }));
      }
    }
  }
  await done;
  ending = true;
  subscriber.connection.close();
  publisher.connection.close();
}

main();
