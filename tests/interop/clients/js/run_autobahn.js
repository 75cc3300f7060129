// autobahn-js: WebSocket in three serializers, RawSocket in JSON alone. It is required from the
// directory that NODE_PATH names.
"use strict";

const autobahn = require("autobahn");
const { run } = require("./scenario.js");

const serializers = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};

class Autobahn {
  join(url, realm, serializer) {
    const made = new serializers[serializer]();
    const { protocol, hostname, port } = new URL(url);
    const transport =
      protocol === "ws:"
        ? { type: "websocket", url, serializers: [made], protocols: [`wamp.2.${serializer}`] }
        : { type: "rawsocket", host: hostname, port: Number(port), protocols: ["wamp.2.json"] };
    this.connection = new autobahn.Connection({
      realm,
      transports: [transport],
      max_retries: 0,
      on_user_error: () => {},
    });
    return new Promise((resolve, reject) => {
      this.left = new Promise((leave) => {
        this.connection.onopen = (session) => resolve((this.session = session));
        this.connection.onclose = (reason, details) => {
          leave(details.reason);
          reject(new Error(`${reason}: ${details.reason} ${details.message}`));
          return true;
        };
      });
      this.connection.open();
    });
  }

  register(uri, endpoint) {
    return this.session.register(uri, (positional, keywords) => {
      try {
        const { args, kwargs } = endpoint(positional, keywords);
        return new autobahn.Result(args, kwargs);
      } catch (fault) {
        throw new autobahn.Error(fault.uri, fault.args, fault.kwargs);
      }
    });
  }

  unregister(registration) {
    return this.session.unregister(registration);
  }

  async call(uri, positional, keywords) {
    try {
      const result = await this.session.call(uri, positional, keywords);
      const whole = result instanceof autobahn.Result;
      return { args: whole ? result.args : [result], kwargs: whole ? result.kwargs : {} };
    } catch (fault) {
      if (!(fault instanceof autobahn.Error)) throw fault;
      throw { uri: fault.error, args: fault.args, kwargs: fault.kwargs };
    }
  }

  subscribe(uri, handler) {
    return this.session.subscribe(uri, handler);
  }

  unsubscribe(subscription) {
    return this.session.unsubscribe(subscription);
  }

  async publish(uri, positional, keywords) {
    const options = { acknowledge: true };
    return (await this.session.publish(uri, positional, keywords, options)).id > 0;
  }

  leave() {
    this.connection.close();
    return this.left;
  }
}

run(Autobahn);
