// The sessions that README.md tells of, over any promise-based client: the adapter knows which.
//
// An adapter is a class with the async methods join(url, realm, serializer), register(uri, endpoint),
// unregister(registration), call(uri, args, kwargs), subscribe(uri, handler),
// unsubscribe(subscription), publish(uri, args, kwargs), leave(). Handlers take (args, kwargs);
// endpoints return or throw {args, kwargs}, with a uri where it is an error.
"use strict";

const PATIENCE = 20000;

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

class Callee {
  constructor(session, prefix) {
    this.session = session;
    this.prefix = prefix;
    this.events = [];
    this.arrived = new Promise((resolve) => (this.arrive = resolve));
  }

  async start() {
    const fail = () => {
      throw { uri: `${this.prefix}.error`, args: [42], kwargs: { why: "because" } };
    };
    const onEvent = (args, kwargs) => {
      this.events.push({ args, kwargs });
      this.arrive();
    };
    const echo = (args, kwargs) => ({ args, kwargs });
    this.echo = await this.session.register(`${this.prefix}.echo`, echo);
    this.failing = await this.session.register(`${this.prefix}.fail`, fail);
    this.topic = await this.session.subscribe(`${this.prefix}.topic`, onEvent);
  }

  async finish() {
    await within(this.arrived, "event");
    await this.session.unsubscribe(this.topic);
    await this.session.unregister(this.echo);
    await this.session.unregister(this.failing);
    await this.session.leave();
    return { events: this.events };
  }
}

async function errorOf(session, uri) {
  try {
    await session.call(uri, [1], {});
  } catch (fault) {
    if (!fault.uri) throw fault;
    return fault;
  }
  throw new Error(`${uri} was expected to fail`);
}

async function use(session, prefix, { args, kwargs }) {
  return {
    result: await session.call(`${prefix}.echo`, args, kwargs),
    error: await errorOf(session, `${prefix}.fail`),
    missing: (await errorOf(session, `${prefix}.nobody`)).uri,
    published: await session.publish(`${prefix}.topic`, args, kwargs),
  };
}

async function join(Adapter, realm, serializer, url) {
  const session = new Adapter();
  await within(session.join(url, realm, serializer), "join");
  return session;
}

const plays = {
  async both(Adapter, realm, payload, prefix, ...where) {
    const callee = new Callee(await join(Adapter, realm, ...where), prefix);
    const session = await join(Adapter, realm, ...where);
    await callee.start();
    const caller = await use(session, prefix, payload);
    const events = await callee.finish();
    caller.gone = (await errorOf(session, `${prefix}.echo`)).uri;
    await session.leave();
    return { callee: events, caller };
  },

  async serve(Adapter, realm, payload, prefix, ...where) {
    const callee = new Callee(await join(Adapter, realm, ...where), prefix);
    await callee.start();
    console.log(JSON.stringify({ ready: true }));
    await new Promise((resolve) => process.stdin.on("end", resolve).resume());
    return { callee: await callee.finish() };
  },

  async use(Adapter, realm, payload, prefix, ...where) {
    const session = await join(Adapter, realm, ...where);
    const caller = await use(session, prefix, payload);
    await session.leave();
    return { caller };
  },
};

async function run(Adapter) {
  const [mode, realm, payload, ...rest] = process.argv.slice(2);
  let status = 0;
  for (; rest.length; rest.splice(0, 3)) {
    let seen;
    try {
      const play = plays[mode](Adapter, realm, JSON.parse(payload), ...rest.slice(0, 3));
      seen = await (mode === "serve" ? play : within(play, mode));
    } catch (error) {
      status = 1;
      seen = { failed: error instanceof Error ? error.message : JSON.stringify(error) };
    }
    console.log(JSON.stringify(seen));
  }
  process.exitCode = status;
  setTimeout(() => process.exit(status), 200).unref(); // a client that keeps a timer
}

module.exports = { run };
