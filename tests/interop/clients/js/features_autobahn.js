// autobahn-js uses features of the Advanced Profile.
"use strict";

const autobahn = require("autobahn");
const when = require("when");
const { run, sleep } = require("./features.js");

const one = (value) => (value && value.args ? value.args[0] : value);

class Autobahn {
  join(url, realm) {
    this.connection = new autobahn.Connection({
      url,
      realm,
      use_deferred: when.defer, // native promises have no progress
      max_retries: 0,
      on_user_error: () => {},
    });
    return new Promise((resolve, reject) => {
      this.connection.onopen = (session) => {
        this.session = session;
        this.id = session.id;
        resolve();
      };
      this.connection.onclose = (reason) => {
        reject(new Error(reason));
        return true;
      };
      this.connection.open();
    });
  }

  register(uri, endpoint, options) {
    const invoked = (args, kwargs, details) => {
      const progress = details.progress && ((value) => details.progress([value]));
      return endpoint(args, { ...details, progress });
    };
    return this.session.register(uri, invoked, options || {});
  }

  async call(uri, args, { onProgress, ...options } = {}) {
    if (onProgress) options.receive_progress = true;
    return one(await this.session.call(uri, args, {}, options).then(null, null, onProgress));
  }

  async callAll(uri, args) {
    const found = await this.session.call(uri, args);
    return found && found.args ? found.args : [].concat(found);
  }

  async errorOf(uri, options) {
    try {
      await this.session.call(uri, [], {}, options);
    } catch (fault) {
      return fault.error;
    }
    return "none";
  }

  async cancel(uri, milliseconds) {
    const call = this.session.call(uri, []);
    await sleep(milliseconds);
    call.cancel({ mode: "kill" });
    return call.then(
      () => "none",
      (fault) => fault.error,
    );
  }

  async subscribe(uri, handler, options) {
    const on = (args, kwargs, details) => handler(args, details);
    return (await this.session.subscribe(uri, on, options)).id;
  }

  publish(uri, args, options) {
    return this.session.publish(uri, args, {}, { acknowledge: true, ...options });
  }

  drop() {
    this.connection._transport.close(1001);
  }
}

Autobahn.skips = [];
run(Autobahn);
