// What autobahn-js and wampy.js do alike with features of the Advanced Profile; README.md tells.
"use strict";

const PATIENCE = 20000;
const CHECKS = [
  "progress",
  "progress_of_wamplite",
  "canceled",
  "timeout",
  "prefixes",
  "wildcards",
  "shared",
  "lists",
  "disclosed",
  "meta",
  "retained",
  "history",
  "testament",
];

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function within(promise, what) {
  const late = sleep(PATIENCE).then(() => {
    throw new Error(`${what}: not done in time`);
  });
  return Promise.race([promise, late]);
}

// Events as they come, one `next()` each.
class Events {
  constructor() {
    this.came = [];
    this.waiting = [];
  }

  put(event) {
    const wanted = this.waiting.shift();
    if (wanted) wanted(event);
    else this.came.push(event);
  }

  next() {
    if (this.came.length) return Promise.resolve(this.came.shift());
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

// An adapter has: id, register(uri, (args, invocation) => value, options), call(uri, args, options),
// errorOf(uri, options), cancel(uri), subscribe(uri, (args, details) => ..., options) -> id,
// publish(uri, args, options), drop(), and `skips`: the checks that its client has no means for.
class Trial {
  constructor(one, other, last, prefix) {
    Object.assign(this, { one, other, last, prefix });
  }

  uri(name) {
    return name.startsWith("wamp.") ? name : `${this.prefix}.${name}`;
  }

  async events(session, name, options) {
    const events = new Events();
    const on = (args, details) => events.put({ args, details });
    events.id = await session.subscribe(this.uri(name), on, options || {});
    return events;
  }

  publish(name, args, options) {
    return this.one.publish(this.uri(name), args, options || {});
  }

  async progress() {
    await this.other.register(this.uri("count"), ([number], invocation) => {
      for (let value = 1; value <= number; value += 1) invocation.progress?.(value);
      return number;
    });
    return this.counted("count");
  }

  // wamplite serves it
  progress_of_wamplite() {
    return this.counted("counted");
  }

  async counted(name) {
    const parts = [];
    const onProgress = (value) => parts.push(value);
    return [parts, await this.one.call(this.uri(name), [3], { onProgress })];
  }

  async canceled() {
    let answer;
    await this.other.register(this.uri("slow"), () => new Promise((resolve) => (answer = resolve)));
    const told = await this.one.cancel(this.uri("slow"), 200);
    answer(1);
    return told;
  }

  async timeout() {
    await this.other.register(this.uri("slower"), () => new Promise(() => {}));
    return this.one.errorOf(this.uri("slower"), { timeout: 200 });
  }

  async prefixes() {
    const events = await this.events(this.other, "temp", { match: "prefix" });
    await this.publish("temp.kitchen", [21]);
    return (await events.next()).details.topic;
  }

  async wildcards() {
    const options = { match: "wildcard" };
    await this.other.register(this.uri(".do"), (_, invocation) => invocation.procedure, options);
    return this.one.call(this.uri("x.do"), []);
  }

  async shared() {
    const options = { invoke: "roundrobin" };
    await this.other.register(this.uri("shared"), () => "one", options);
    await this.one.register(this.uri("shared"), () => "two", options);
    const came = [];
    for (let number = 0; number < 4; number += 1) {
      came.push(await this.one.call(this.uri("shared"), []));
    }
    return came;
  }

  async lists() {
    const all = [await this.events(this.one, "l"), await this.events(this.other, "l")];
    const ids = [this.other.id];
    await this.last.publish(this.uri("l"), ["no other"], { exclude: ids });
    await this.last.publish(this.uri("l"), ["the other"], { eligible: ids });
    await this.last.publish(this.uri("l"), ["all"], {});
    const came = [];
    for (const events of all) {
      came.push([(await events.next()).args[0], (await events.next()).args[0]]);
    }
    return came;
  }

  async disclosed() {
    await this.other.register(this.uri("who"), (_, invocation) => invocation.caller);
    const caller = await this.one.call(this.uri("who"), [], { disclose_me: true });
    const events = await this.events(this.other, "who");
    await this.publish("who", [], { disclose_me: true });
    const { publisher } = (await events.next()).details;
    return [caller === this.one.id, publisher === this.one.id];
  }

  async meta() {
    const created = await this.events(this.one, "wamp.registration.on_create");
    await this.other.register(this.uri("meta"), () => null);
    const told = (await created.next()).args[1].uri;
    const number = await this.one.call("wamp.registration.lookup", [told]);
    const callees = await this.one.call("wamp.registration.count_callees", [number]);
    const ids = await this.one.call("wamp.session.list", []);
    return [told, callees, ids.includes(this.other.id)];
  }

  async retained() {
    await this.publish("kept", ["old"], { retain: true });
    await this.publish("kept", ["kept"], { retain: true });
    const event = await (await this.events(this.other, "kept", { get_retained: true })).next();
    return [event.args[0], event.details.retained];
  }

  async history() {
    await this.publish("past", [1]);
    await this.publish("past", [2]);
    const { id } = await this.events(this.other, "past");
    const found = await this.other.callAll("wamp.subscription.get_events", [id]);
    return found.map((event) => event.args[0]);
  }

  async testament() {
    const events = await this.events(this.one, "will");
    await this.last.call("wamp.session.add_testament", [this.uri("will"), ["gone"], {}]);
    await this.last.drop();
    return (await events.next()).args[0];
  }
}

async function main(Adapter, [realm, prefix, url]) {
  const sessions = [new Adapter(), new Adapter(), new Adapter()];
  for (const session of sessions) await within(session.join(url, realm, "json"), "join");
  const trial = new Trial(...sessions, prefix);
  for (const check of CHECKS.filter((name) => !Adapter.skips.includes(name))) {
    const told = await within(trial[check](), check);
    console.log(JSON.stringify({ [check]: told }));
  }
}

exports.run = (Adapter) =>
  main(Adapter, process.argv.slice(2)).then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
exports.sleep = sleep;
